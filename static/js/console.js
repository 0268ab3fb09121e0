/* The console's frame: the folding sidebar, and the bar that slides in when rows are ticked. */

const root = document.documentElement;
const fold = document.querySelector("[data-sidebar-fold]");
const showFold = () => {
  const folded = root.dataset.sidebar === "folded";
  fold.setAttribute("aria-pressed", String(folded));
  fold.setAttribute("aria-label", folded ? "Unfold the sidebar" : "Fold the sidebar");
};
if (fold) {
  showFold();
  fold.addEventListener("click", () => {
    if (root.dataset.sidebar === "folded") delete root.dataset.sidebar; else root.dataset.sidebar = "folded";
    try { localStorage.setItem("sidebar", root.dataset.sidebar ?? ""); } catch { /* a private window forgets */ }
    showFold();
  });
}

/* The boxes of the sessions list go by their name: a class on each would be a part of the page's weight. */
const BOX = "input.row-check, input[name=ids]";

for (const area of document.querySelectorAll("[data-selectable]")) {
  const rows = () => [...area.querySelectorAll(BOX)];
  const all = area.querySelector("input.all-check");
  const bar = document.querySelector(area.dataset.selectable || "[data-selection-bar]");
  let last = null;

  const show = () => {
    const boxes = rows();
    const ticked = boxes.filter((box) => box.checked).length;
    if (all) { all.checked = ticked > 0 && ticked === boxes.length; all.indeterminate = ticked > 0 && ticked < boxes.length; }
    if (!bar) return;
    bar.hidden = ticked === 0;
    bar.querySelector("[data-selection-count]").textContent = String(ticked);
    bar.querySelector("[data-selection-plural]").hidden = ticked === 1;
  };

  all?.addEventListener("change", () => { for (const box of rows()) box.checked = all.checked; show(); });
  area.addEventListener("click", (event) => {
    if (!event.target.matches(BOX)) return;
    const boxes = rows();
    if (event.shiftKey && last) {
      const [from, to] = [boxes.indexOf(last), boxes.indexOf(event.target)].sort((a, b) => a - b);
      for (const box of boxes.slice(from, to + 1)) box.checked = event.target.checked;
    }
    last = event.target;
    show();
  });
  bar?.querySelector("[data-selection-clear]")?.addEventListener("click", () => { for (const box of rows()) box.checked = false; show(); });
  show();
}

/* A head can stay in sight only where its table does not scroll sideways. */
const fit = new ResizeObserver((entries) => {
  for (const { target } of entries) {
    const frame = target.closest(".table-wrap");
    frame.toggleAttribute("data-fits", target.offsetWidth <= frame.clientWidth);
  }
});
for (const table of document.querySelectorAll(".table-wrap:not(.table-scroll) > table.data")) fit.observe(table);

/* What a cell cuts off is said under the pointer. */
document.addEventListener("mouseover", (event) => {
  const cut = event.target.closest?.(".clip:not([title])");
  if (cut && cut.scrollWidth > cut.clientWidth) cut.title = cut.textContent.trim();
});

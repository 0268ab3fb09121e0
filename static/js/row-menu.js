/* One menu for all rows of a list: <button class="row-menu"> opens the page's <template id="row-menu">, in whose addresses
   {id} stands for the address of the row's own link. Without this script that link leads to the same acts.
   The short ids get from there what they copy, and the boxes what they select. */

const template = document.getElementById("row-menu");
let open = null;

const close = (focus) => {
  if (!open) return;
  open.menu.remove();
  open.button.setAttribute("aria-expanded", "false");
  if (focus) open.button.focus();
  open = null;
};

const show = (button) => {
  const link = button.closest("tr").querySelector("a[href]");
  const path = new URL(link.href).pathname;
  const menu = document.createElement("div");
  menu.className = "menu-panel row-menu-panel";
  menu.setAttribute("role", "menu");
  menu.append(template.content.cloneNode(true));
  for (const entry of menu.querySelectorAll("a")) {
    entry.setAttribute("href", entry.getAttribute("href").replace("{id}", path));
    entry.setAttribute("role", "menuitem");
  }
  menu.querySelector("a").setAttribute("href", link.getAttribute("href"));
  document.body.append(menu);
  const box = button.getBoundingClientRect();
  const top = box.bottom + menu.offsetHeight > innerHeight ? box.top - menu.offsetHeight : box.bottom;
  menu.style.top = `${top + scrollY}px`;
  menu.style.left = `${Math.max(8, box.right - menu.offsetWidth + scrollX)}px`;
  button.setAttribute("aria-expanded", "true");
  open = { menu, button };
  menu.querySelector("a").focus();
};

if (template) {
  for (const button of document.querySelectorAll("tr .copy:not([data-copy])")) {
    button.dataset.copy = button.closest("tr").querySelector("a[href]").pathname.split("/").pop();
    button.title = "Copy the id";
  }
  for (const box of document.querySelectorAll("tr input[name=ids]")) {
    box.setAttribute("aria-label", `Select ${box.closest("tr").querySelector("a[href]").textContent}`);
  }
  for (const button of document.querySelectorAll(".row-menu")) {
    button.setAttribute("aria-label", "Actions");
    button.setAttribute("aria-haspopup", "menu");
    button.setAttribute("aria-expanded", "false");
  }
  document.addEventListener("click", (event) => {
    const button = event.target.closest(".row-menu");
    const was = open?.button;
    close();
    if (button && button !== was) show(button);
  });
  document.addEventListener("keydown", (event) => {
    if (!open) return;
    if (event.key === "Escape") { event.preventDefault(); close(true); return; }
    if (event.key !== "ArrowDown" && event.key !== "ArrowUp") return;
    event.preventDefault();
    const entries = [...open.menu.querySelectorAll("a")];
    const at = entries.indexOf(document.activeElement) + (event.key === "ArrowDown" ? 1 : -1);
    entries[(at + entries.length) % entries.length].focus();
  });
}

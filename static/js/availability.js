/* Shows what mentees will see while the week is being changed, and adds and removes rows of hours.
   Without this script each day has one empty row, and a button shows the preview. */

const form = document.querySelector("[data-availability]");

const isEmpty = (block) => [...block.querySelectorAll("input")].every((input) => !input.value);

const tidy = (day) => {
  const blocks = [...day.querySelectorAll("[data-block]")];
  for (const block of blocks) block.hidden = isEmpty(block) && blocks.length > 1 && !block.dataset.wanted;
};

let wait = 0;
let asked = 0;
const preview = async () => {
  const mine = (asked += 1);
  const data = new FormData(form);
  data.set("do", "preview");
  try {
    const answer = await fetch(form.action || location.href, { method: "POST", body: data, headers: { "X-Requested-With": "preview" } });
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const fresh = page.querySelector("[data-preview]");
    const place = document.querySelector("[data-preview]");
    if (fresh && place && mine === asked) place.replaceChildren(...document.importNode(fresh, true).childNodes);
  } catch { /* The preview stays as it was; saving says what is wrong. */ }
};
const soon = () => { clearTimeout(wait); wait = setTimeout(() => void preview(), 350); };

if (form) {
  for (const button of form.querySelectorAll("[data-auto-hide]")) button.hidden = true;
  for (const day of form.querySelectorAll("[data-day]")) tidy(day);
  form.addEventListener("change", (event) => {
    const day = event.target.closest("[data-day]");
    // Typing hours into a day means that it is on.
    if (day && event.target.matches("input[type=time]") && event.target.value) day.querySelector("[role=switch]").checked = true;
    soon();
  });
  form.addEventListener("click", (event) => {
    const day = event.target.closest("[data-day]");
    if (!day) return;
    if (event.target.closest("[data-block-add]")) {
      const blocks = [...day.querySelectorAll("[data-block]")];
      const spare = blocks.find((block) => block.hidden);
      const block = spare ?? blocks.at(-1).cloneNode(true);
      if (!spare) { for (const input of block.querySelectorAll("input")) input.value = ""; blocks.at(-1).after(block); }
      block.dataset.wanted = "true";
      block.hidden = false;
      block.querySelector("input").focus();
    } else if (event.target.closest("[data-block-remove]")) {
      const block = event.target.closest("[data-block]");
      for (const input of block.querySelectorAll("input")) input.value = "";
      delete block.dataset.wanted;
      tidy(day);
      soon();
    }
  });
}

/* Toasts, top right, six seconds, longer while pointed at (NT-4).
   Another script says one by: document.dispatchEvent(new CustomEvent("toast", {detail: {title, text, category}})). */

const LIFE = 6000;
const region = document.getElementById("toasts");
const template = document.getElementById("toast-template");
const LOOKS = {
  success: ["green", "check-circle-fill"], warning: ["amber", "exclamation-triangle-fill"],
  error: ["red", "exclamation-octagon-fill"], info: ["accent", "info-circle-fill"],
};

const leave = (toast) => {
  if (toast.dataset.leaving) return;
  toast.dataset.leaving = "true";
  setTimeout(() => toast.remove(), 180);
};

const live = (toast) => {
  let left = LIFE;
  let started = 0;
  let timer = 0;
  const run = () => { started = performance.now(); timer = setTimeout(() => leave(toast), left); };
  const rest = () => { clearTimeout(timer); left = Math.max(1500, left - (performance.now() - started)); };
  toast.addEventListener("pointerenter", rest);
  toast.addEventListener("pointerleave", run);
  toast.addEventListener("focusin", rest);
  toast.addEventListener("focusout", run);
  toast.querySelector("[data-toast-close]")?.addEventListener("click", () => leave(toast));
  run();
};

export const say = ({ title, text = "", category = "info", action = null, urgent = false }) => {
  const toast = template.content.querySelector("[data-toast]").cloneNode(true);
  const [tone, mark] = LOOKS[category] ?? LOOKS.info;
  toast.className = `toast-card tone-${tone}`;
  toast.dataset.category = category;
  toast.setAttribute("role", urgent || tone === "red" ? "alert" : "status");
  toast.querySelector(".bi").className = `bi bi-${mark}`;
  toast.querySelector("[data-toast-title]").textContent = title;
  const body = toast.querySelector("[data-toast-text]");
  if (text) body.textContent = text; else body.remove();
  if (action) {
    const place = document.createElement("div");
    const link = document.createElement("a");
    place.className = "toast-action";
    link.href = action.url;
    link.textContent = action.label;
    place.append(link);
    toast.querySelector("[data-toast-close]").before(place);
  }
  region.append(toast);
  live(toast);
};

/* What came with the page is put back in after a moment: a live region reads out only what is added to it. */
const arrived = [...region.querySelectorAll("[data-toast]")];
for (const toast of arrived) toast.remove();
setTimeout(() => { for (const toast of arrived) { region.append(toast); live(toast); } }, 60);
document.addEventListener("toast", (event) => say(event.detail));

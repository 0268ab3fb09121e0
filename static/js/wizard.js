/* The first step without reloading: days, months, length and zone change in place, and the summary follows the choice.
   Without this script each of them is a plain link or form. */

const region = () => document.querySelector("[data-time-step]");

const show = async (address, { keep = false } = {}) => {
  const here = region();
  here.setAttribute("aria-busy", "true");
  try {
    const answer = await fetch(address, { headers: { "X-Requested-With": "wizard" } });
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const there = page.querySelector("[data-time-step]");
    if (!answer.ok || !there) { location.assign(address); return; }
    const focused = document.activeElement?.getAttribute("aria-label") ?? document.activeElement?.id;
    here.replaceWith(document.importNode(there, true));
    const url = new URL(address, location.href);
    history[keep ? "replaceState" : "pushState"]({ wizard: true }, "", url.pathname + url.search);
    prepare();
    if (focused) region().querySelector(`[aria-label="${CSS.escape(focused)}"], #${CSS.escape(focused)}`)?.focus();
  } catch {
    location.assign(address);
  }
};

const toolsAddress = (form) => {
  const url = new URL(location.href);
  url.search = new URLSearchParams([...new FormData(form)].filter(([, value]) => value)).toString();
  return url.pathname + url.search;
};

const tell = (input) => {
  const place = document.querySelector("[data-chosen-when]");
  if (place && input?.dataset.when) place.textContent = input.dataset.when;
};

const prepare = () => {
  for (const button of region().querySelectorAll("[data-auto-hide]")) button.hidden = true;
};

document.addEventListener("click", (event) => {
  const link = event.target.closest("[data-time-link]");
  if (!link || event.button || event.metaKey || event.ctrlKey || event.shiftKey) return;
  event.preventDefault();
  // What is on its way replaces this link; following it as well would bring back what was just changed.
  if (!region().hasAttribute("aria-busy")) void show(link.dataset.timeLink);
});
document.addEventListener("change", (event) => {
  const tools = event.target.closest("[data-time-tools]");
  if (tools) void show(toolsAddress(tools));
  else if (event.target.matches("[data-time-form] input[name=start]")) tell(event.target);
});
addEventListener("popstate", () => { if (region()) void show(location.href, { keep: true }); });

prepare();
tell(document.querySelector("[data-time-form] input[name=start]:checked"));

// A stranger's browser knows the zone better than we do.
const zone = document.querySelector("select[data-own-zone]");
const own = Intl.DateTimeFormat().resolvedOptions().timeZone;
if (zone && !new URLSearchParams(location.search).has("zone") && zone.value !== own && [...zone.options].some((each) => each.value === own)) {
  zone.value = own;
  void show(toolsAddress(zone.form), { keep: true });
}

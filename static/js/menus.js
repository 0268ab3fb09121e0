/* Menus made of details/summary: one open at a time, closed by Escape, by a click elsewhere, by leaving with the keyboard. */

const openMenus = () => document.querySelectorAll("details[data-menu][open]");

document.addEventListener("toggle", (event) => {
  if (!event.target.matches?.("details[data-menu]") || !event.target.open) return;
  for (const other of openMenus()) if (other !== event.target && !other.contains(event.target)) other.open = false;
}, true);
document.addEventListener("click", (event) => {
  for (const menu of openMenus()) if (!menu.contains(event.target)) menu.open = false;
});
document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  for (const menu of openMenus()) { menu.open = false; menu.querySelector("summary")?.focus(); }
});
document.addEventListener("focusin", (event) => {
  for (const menu of openMenus()) if (!menu.contains(event.target)) menu.open = false;
});

/* An error summary is read first. */
document.querySelector("[data-error-summary]")?.focus();

/* Of tabs that are wider than the screen the chosen one is in sight. */
for (const tab of document.querySelectorAll(".tabs [aria-current]")) {
  const row = tab.closest(".tabs");
  if (row.scrollWidth > row.clientWidth) row.scrollLeft = tab.offsetLeft - (row.clientWidth - tab.offsetWidth) / 2;
}

/* Keeps "Session starts in 2h 5m" true, and puts the join button on the page when its time has come (JN-3):
   what is marked data-refresh is asked for anew at the moment named in data-refresh-at. */

const MINUTE = 60_000;

const tick = () => {
  for (const node of document.querySelectorAll("[data-countdown]")) {
    const minutes = Math.max(0, Math.ceil((Date.parse(node.dataset.countdown) - Date.now()) / MINUTE));
    const text = `Session starts in ${Math.floor(minutes / 60)}h ${minutes % 60}m`;
    if (node.textContent !== text) node.textContent = text;
  }
};

const renew = async (place) => {
  try {
    const answer = await fetch(location.href, { headers: { "X-Requested-With": "refresh" } });
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const fresh = page.querySelector(`[data-refresh="${place.dataset.refresh}"]`);
    if (answer.ok && fresh) { const node = document.importNode(fresh, true); place.replaceWith(node); watch(node); }
  } catch { /* The page stays as it is; the next visit shows the button. */ }
};

const watch = (place) => {
  const wait = Date.parse(place.dataset.refreshAt ?? "") - Date.now();
  // A longer wait than a day overflows nothing, but nobody keeps a page open that long.
  if (wait > 0 && wait < 24 * 60 * MINUTE) setTimeout(() => void renew(place), wait + 1000);
};

tick();
setInterval(tick, 10_000);
for (const place of document.querySelectorAll("[data-refresh]")) watch(place);
// What the live stream put in anew (live.js).
document.addEventListener("contentadded", ({ detail }) => {
  tick();
  for (const place of detail.querySelectorAll("[data-refresh]")) watch(place);
  if (detail.matches("[data-refresh]")) watch(detail);
});
document.addEventListener("visibilitychange", () => { if (!document.hidden) tick(); });
// The press opened the meeting elsewhere; what this page shows of it is a moment old.
document.addEventListener("submit", (event) => {
  if (event.target.matches("[data-join-form]")) setTimeout(() => { delete event.target.dataset.sent; }, 1500);
});

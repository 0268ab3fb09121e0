/* Keeps true while the page is open: <time data-relative datetime="…">, and every time of the sessions list.
   The words are those of formatting.py. */

const MINUTE = 60;
const HOUR = 3600;
const DAY = 86400;

const distance = (seconds) => {
  if (seconds < 90 * MINUTE) return `${Math.max(1, Math.round(seconds / MINUTE))} min`;
  if (seconds < 36 * HOUR) return `${Math.round(seconds / HOUR)} h`;
  const days = Math.round(seconds / DAY);
  if (days < 60) return `${days} days`;
  return days < 730 ? `${Math.round(days / 30.44)} months` : `${Math.round(days / 365.25)} years`;
};

export const relative = (moment, now = Date.now()) => {
  const seconds = (moment - now) / 1000;
  if (Math.abs(seconds) < 45) return seconds <= 0 ? "just now" : "in a moment";
  return seconds > 0 ? `in ${distance(seconds)}` : `${distance(-seconds)} ago`;
};

const refresh = () => {
  for (const node of document.querySelectorAll("time[data-relative], .sessions time")) {
    const text = relative(Date.parse(node.dateTime));
    if (node.textContent !== text) node.textContent = text;
  }
};

setInterval(() => { if (!document.hidden) refresh(); }, 20_000);
document.addEventListener("visibilitychange", () => { if (!document.hidden) refresh(); });

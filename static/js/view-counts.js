/* The tabs of saved views say how many sessions each holds. That is counted after the list is there, and once a minute. */

const KEPT = "view-counts";
const MINUTE = 60_000;

const counted = async () => {
  const kept = JSON.parse(sessionStorage.getItem(KEPT) ?? "null");
  if (kept && Date.now() - kept.at < MINUTE) return kept.counts;
  const answer = await fetch("/admin/views/");
  if (!answer.ok || answer.redirected) return [];
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  const counts = [...page.querySelectorAll("table.data tbody tr")].map((row) => [
    row.querySelector(".title a").getAttribute("href"),
    row.querySelector("[data-label=Sessions]").textContent.trim(),
  ]);
  sessionStorage.setItem(KEPT, JSON.stringify({ at: Date.now(), counts }));
  return counts;
};

try {
  const counts = new Map(await counted());
  for (const tab of document.querySelectorAll(".tabs a")) {
    const count = counts.get(tab.getAttribute("href"));
    if (!count) continue;
    const badge = document.createElement("span");
    badge.className = "count";
    badge.textContent = count;
    tab.append(" ", badge);
  }
} catch { /* The tabs lead to their lists without it. */ }

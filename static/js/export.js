/* A download that takes a while says how far it is: a[data-export] is the link, [data-export-note] is where it is said. The browser downloads by itself, so that the page can be left; whoever comes back within the hour reads on.
   Without this script it is a plain link. */

const EVERY = 1000;
const PATIENCE = 20;
const link = document.querySelector("a[data-export]");
const note = document.querySelector("[data-export-note]");
const kept = "export";

const rowsOf = (count) => `${count.toLocaleString("en")} ${count === 1 ? "row" : "rows"}`;
const say = (text) => { note.hidden = false; note.textContent = text; };

const follow = async (word, tries = 0) => {
  let progress = null;
  try {
    const answer = await fetch(`${link.pathname.replace(/[^/]+$/, "export-progress")}?word=${word}`, { headers: { "X-Requested-With": "live" } });
    if (answer.ok) progress = await answer.json();
  } catch { /* No connection; the next look may have one. */ }
  if (!progress && tries >= PATIENCE) { sessionStorage.removeItem(kept); note.hidden = true; return; }
  if (progress?.stand === "done") say(`The file is complete: ${rowsOf(progress.rows)}.`);
  else if (progress?.stand === "broken_off") say(`The download ended early, after ${rowsOf(progress.rows)}. Start it again.`);
  else if (progress) say(`${rowsOf(progress.rows)} so far. You can leave this page: the download goes on.`);
  if (progress && progress.stand !== "running") { sessionStorage.removeItem(kept); return; }
  setTimeout(() => void follow(word, progress ? 0 : tries + 1), EVERY);
};

if (link && note) {
  const address = link.getAttribute("href");
  link.addEventListener("click", () => {
    const word = crypto.randomUUID?.().replaceAll("-", "") ?? Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
    link.setAttribute("href", `${address}${address.includes("?") ? "&" : "?"}word=${word}`);
    sessionStorage.setItem(kept, word);
    say("The download begins.");
    setTimeout(() => void follow(word), EVERY / 4);
  });
  const before = sessionStorage.getItem(kept);
  if (before) void follow(before);
}

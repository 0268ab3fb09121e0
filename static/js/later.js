/* What a page shows only when it is wanted: <section data-later="url"> at once, <details data-later="url"> when it is opened.
   Put in is the [data-later-content] of that page. Until then, without a script and after a failure there is a link inside. */

const failed = (place) => {
  if (place.querySelector(".later-failed")) return;
  const words = document.createElement("p");
  words.className = "later-failed muted small";
  words.setAttribute("role", "status");
  words.textContent = "This part did not load. Check your connection, or open it by the link.";
  place.append(words);
};

const load = async (place) => {
  if (place.dataset.loaded) return;
  place.dataset.loaded = "loading";
  place.setAttribute("aria-busy", "true");
  try {
    const answer = await fetch(place.dataset.later, { headers: { "X-Requested-With": "later" } });
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const content = page.querySelector("[data-later-content]");
    if (!answer.ok || !content) throw new Error(String(answer.status));
    const node = document.importNode(content, true);
    // The numbers stand beside a drawing here, so that they may stay folded.
    for (const numbers of node.querySelectorAll(".chart-numbers")) numbers.open = false;
    const summary = place.matches("details") ? place.querySelector("summary") : null;
    place.replaceChildren(...(summary ? [summary] : []), node);
    place.dataset.loaded = "true";
    document.dispatchEvent(new CustomEvent("contentadded", { detail: node }));
  } catch {
    delete place.dataset.loaded;
    failed(place);
  } finally {
    place.removeAttribute("aria-busy");
  }
};

const begin = (root) => { for (const place of root.querySelectorAll("[data-later]")) if (!place.matches("details") || place.open) void load(place); };
document.addEventListener("toggle", (event) => { if (event.target.matches("details[data-later]") && event.target.open) void load(event.target); }, true);
begin(document);

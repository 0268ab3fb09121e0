/* Verifies the audit trail part by part, so that a long walk shows how far it is and can be left. Without this script the
   button posts, and the answer comes when all is done. */

const page = document.querySelector("[data-chain]");
const form = page?.querySelector("form");

if (form) {
  const bar = page.querySelector("progress");
  const shown = page.querySelector("[data-chain-progress]");
  const count = page.querySelector("[data-chain-count]");
  const place = page.querySelector("[data-chain-verdict]");
  const button = form.querySelector("button");

  const tell = (verdict) => {
    const note = page.querySelector(verdict.ok ? "[data-chain-good]" : "[data-chain-bad]").content.cloneNode(true);
    note.querySelector("[data-chain-title]").textContent = verdict.title;
    note.querySelector("[data-chain-text]").textContent = verdict.text;
    place.replaceChildren(note);
  };

  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    button.disabled = true;
    shown.hidden = false;
    place.replaceChildren();
    let after = 0;
    try {
      for (;;) {
        const answer = await fetch(`${page.dataset.stepUrl}?after=${after}`, { headers: { Accept: "application/json" } });
        if (!answer.ok) throw new Error(answer.statusText);
        const { rows, total, verdict } = await answer.json();
        bar.max = total;
        bar.value = rows;
        count.textContent = `${rows.toLocaleString("en")} of ${total.toLocaleString("en")} rows`;
        if (verdict) { tell(verdict); break; }
        after = rows;
      }
    } catch {
      tell({ ok: false, title: "It could not be verified", text: "The server did not answer. Try again." });
    } finally {
      button.disabled = false;
      shown.hidden = true;
    }
  });
}

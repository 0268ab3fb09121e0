/* A part of a page that moves by itself while work goes on: [data-renew="1500"] with an id is read anew from the page every
   so many milliseconds, until the page says by the attribute's absence that there is nothing more to wait for. Whoever has
   put the focus into it keeps it; the request does not count as a sign that somebody is there. */

const renew = async (part) => {
  if (!document.hidden) {
    try {
      const answer = await fetch(location.href, { redirect: "manual", headers: { "X-Requested-With": "live" } });
      if (answer.type === "opaqueredirect") { location.reload(); return; }
      if (answer.ok) {
        const page = new DOMParser().parseFromString(await answer.text(), "text/html");
        const fresh = page.getElementById(part.id);
        if (!fresh || !fresh.hasAttribute("data-renew")) { location.reload(); return; }
        if (!part.contains(document.activeElement)) {
          const next = document.importNode(fresh, true);
          part.replaceWith(next);
          part = next;
          document.dispatchEvent(new CustomEvent("contentadded", { detail: part }));
        } else {
          const bar = part.querySelector("progress");
          const now = fresh.querySelector("progress");
          if (bar && now) bar.value = now.value;
        }
      }
    } catch { /* No connection; the next look may have one. */ }
  }
  setTimeout(() => void renew(part), Number(part.dataset.renew));
};

for (const part of document.querySelectorAll("[data-renew][id]")) setTimeout(() => void renew(part), Number(part.dataset.renew));

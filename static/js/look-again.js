/* A page that waits for news ([data-look-again]) asks for itself every few seconds, and is loaded anew once there is any.
   Nothing on it moves until then, so that whoever reads it with a screen reader is not thrown back to its top. */

const EVERY = 4000;

const look = async () => {
  if (!document.hidden) {
    try {
      const answer = await fetch(location.href, { redirect: "manual", headers: { "X-Requested-With": "look-again" } });
      if (answer.type === "opaqueredirect" || (answer.ok && !(await answer.text()).includes("data-look-again"))) {
        location.reload();
        return;
      }
    } catch { /* No connection; the next look may have one. */ }
  }
  setTimeout(() => void look(), EVERY);
};

if (document.querySelector("[data-look-again]")) setTimeout(() => void look(), EVERY);

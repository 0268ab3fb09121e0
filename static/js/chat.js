/* The conversation on a session's page: sent without leaving it, read when seen. New lines come in by live.js. */

const form = document.querySelector("[data-chat-form]");
const box = () => document.querySelector('[data-live="chat"]');

const toEnd = () => {
  const lines = box()?.querySelector("[data-chat-lines]");
  if (lines) lines.scrollTop = lines.scrollHeight;
};

/* What is in sight is read; without this script a button says so. */
const note = async () => {
  const unread = box()?.querySelector("[data-chat-read]");
  if (!unread || document.hidden) return;
  const frame = box().getBoundingClientRect();
  if (frame.bottom < 0 || frame.top > innerHeight) return;
  const data = new FormData(unread);
  unread.remove();
  try { await fetch(unread.action, { method: "POST", body: data, redirect: "manual" }); } catch { /* The next look says it again. */ }
};

const put = (page) => {
  const fresh = page.querySelector('[data-live="chat"]');
  if (fresh) { box().replaceWith(document.importNode(fresh, true)); toEnd(); }
};

const send = async () => {
  const field = form.elements.body;
  const button = form.querySelector("[type=submit]");
  if (!field.value.trim() || form.dataset.sending) return;
  form.dataset.sending = "true";
  button.setAttribute("aria-busy", "true");
  let problem = "Check your connection and try again.";
  try {
    const answer = await fetch(form.action, { method: "POST", body: new FormData(form), headers: { "X-Requested-With": "chat" } });
    if (answer.ok) {
      field.value = "";
      field.dispatchEvent(new Event("input", { bubbles: true }));
      // A key stands for one message; what failed may be sent again under the same.
      form.elements.key.value = [...crypto.getRandomValues(new Uint8Array(16))].map((part) => part.toString(16).padStart(2, "0")).join("");
      put(new DOMParser().parseFromString(await answer.text(), "text/html"));
      problem = "";
    } else if (answer.headers.get("Content-Type")?.startsWith("text/plain")) {
      problem = await answer.text();
    } else if (answer.status === 429) {
      problem = "That were many messages in a short time. Wait a moment.";
    }
  } catch { /* Said below. */ }
  if (problem) document.dispatchEvent(new CustomEvent("toast", { detail: { title: "Your message was not sent", text: problem, category: "error" } }));
  delete form.dataset.sending;
  button.removeAttribute("aria-busy");
  field.focus();
};

if (form) {
  form.addEventListener("submit", (event) => { event.preventDefault(); void send(); });
  form.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) { event.preventDefault(); void send(); }
  });
}
if (box()) {
  toEnd();
  void note();
  document.addEventListener("contentadded", ({ detail }) => { if (detail.matches('[data-live="chat"]')) { toEnd(); void note(); } });
  document.addEventListener("visibilitychange", () => void note());
  addEventListener("scroll", () => void note(), { passive: true });
}

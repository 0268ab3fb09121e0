/* Links with data-dialog open their page's [data-dialog-content] in a dialog; without this script they are plain links.
   Comes by import (confirm.js, shortcuts.js), never by a tag of its own: under a second address it would run twice.
   Forms inside are ordinary forms. Enter in a field never fires a form that carries data-no-enter. */

const failed = () => document.dispatchEvent(new CustomEvent("toast", {
  detail: { title: "This did not open", text: "Check your connection and try again.", category: "error" },
}));

export const makeDialog = (content, className = "dialog") => {
  const dialog = document.createElement("dialog");
  dialog.className = className;
  dialog.append(content);
  const title = content.querySelector?.("h1, h2");
  if (title) { title.id ||= "dialog-title"; dialog.setAttribute("aria-labelledby", title.id); }
  dialog.addEventListener("close", () => dialog.remove());
  dialog.addEventListener("click", (event) => {
    if (event.target.closest("[data-dialog-close]")) { event.preventDefault(); dialog.close(); }
  });
  document.body.append(dialog);
  dialog.showModal();
  document.dispatchEvent(new CustomEvent("contentadded", { detail: dialog }));
  return dialog;
};

const open = async (link) => {
  link.setAttribute("aria-busy", "true");
  try {
    const answer = await fetch(link.href, { headers: { "X-Requested-With": "dialog" } });
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const content = page.querySelector("[data-dialog-content]");
    if (!answer.ok || !content) { location.assign(link.href); return; }
    const form = content.closest("form");
    makeDialog(document.importNode(form ?? content, true), "dialog" + (link.dataset.dialog ? ` dialog-${link.dataset.dialog}` : ""));
  } catch {
    failed();
  } finally {
    link.removeAttribute("aria-busy");
  }
};

document.addEventListener("click", (event) => {
  const link = event.target.closest("a[data-dialog]");
  if (!link || event.defaultPrevented || event.button || event.metaKey || event.ctrlKey || event.shiftKey) return;
  event.preventDefault();
  void open(link);
});

document.addEventListener("keydown", (event) => {
  if (event.key !== "Enter" || event.isComposing) return;
  if (event.target.matches("form[data-no-enter] input:not([type=submit], [type=button]), form[data-no-enter] select")) event.preventDefault();
});

document.addEventListener("click", (event) => {
  const snippet = event.target.closest("[data-snippet-for]");
  if (!snippet) return;
  const field = document.getElementById(snippet.dataset.snippetFor);
  if (!field) return;
  field.value = field.value.trim() ? `${field.value.trim()} ${snippet.textContent.trim()}` : snippet.textContent.trim();
  field.dispatchEvent(new Event("input", { bubbles: true }));
  field.focus();
});

/* A form is sent once: the second click finds the button asleep. A page that is shown again from memory wakes it. */
document.addEventListener("submit", (event) => {
  if (event.defaultPrevented || event.target.method !== "post") return;
  if (event.target.dataset.sent) { event.preventDefault(); return; }
  event.target.dataset.sent = "true";
  for (const button of event.target.querySelectorAll("[type=submit]")) button.setAttribute("aria-busy", "true");
});
addEventListener("pageshow", (event) => {
  if (!event.persisted) return;
  for (const form of document.querySelectorAll("form[data-sent]")) {
    delete form.dataset.sent;
    for (const button of form.querySelectorAll("[aria-busy]")) button.removeAttribute("aria-busy");
  }
});

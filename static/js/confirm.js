/* Asks before a form is sent: <form data-confirm="Delete this row?" data-confirm-title data-confirm-button data-confirm-tone="danger">.
   The attributes may stand on the submit button instead. Buttons marked data-needs-confirm are asleep until this script is here,
   so that nothing dangerous goes off unasked where it did not load. */

import { makeDialog } from "./dialog.js";

const ask = ({ text, title, button, tone }) => new Promise((resolve) => {
  const box = document.createElement("div");
  const part = (tag, className, content) => {
    const node = document.createElement(tag);
    node.className = className;
    if (content) node.textContent = content;
    return node;
  };
  const head = part("header", "dialog-head");
  const heading = part("h2", "", title);
  heading.id = "confirm-title";
  head.append(heading);
  const body = part("div", "dialog-body");
  body.append(part("p", "", text));
  const foot = part("footer", "dialog-foot");
  const no = part("button", "btn btn-secondary", "Go back");
  const yes = part("button", `btn btn-${tone === "danger" ? "danger" : "primary"}`, button);
  no.type = yes.type = "button";
  foot.append(no, yes);
  box.append(head, body, foot);

  const dialog = makeDialog(box);
  dialog.setAttribute("role", "alertdialog");
  let answer = false;
  no.addEventListener("click", () => dialog.close());
  yes.addEventListener("click", () => { answer = true; dialog.close(); });
  dialog.addEventListener("close", () => resolve(answer));
  (tone === "danger" ? no : yes).focus();
});

document.addEventListener("submit", async (event) => {
  const form = event.target;
  const source = event.submitter?.dataset.confirm ? event.submitter : form;
  if (!source.dataset.confirm || form.dataset.confirmed) { delete form.dataset.confirmed; return; }
  event.preventDefault();
  event.stopImmediatePropagation();
  const submitter = event.submitter;
  const yes = await ask({
    text: source.dataset.confirm,
    title: source.dataset.confirmTitle ?? "Are you sure?",
    button: source.dataset.confirmButton ?? "Yes, go on",
    tone: source.dataset.confirmTone,
  });
  if (!yes) { submitter?.focus(); return; }
  form.dataset.confirmed = "true";
  form.requestSubmit(submitter?.form === form ? submitter : undefined);
}, true);

const wake = (root) => { for (const button of root.querySelectorAll("[data-needs-confirm]")) button.disabled = false; };
wake(document);
document.addEventListener("contentadded", (event) => wake(event.detail));

/* A dialog that says what will happen keeps its word while its numbers are changed: the preview of a form with
   data-plan-form is asked anew, and its table, its hidden marks and its button are put in place together. Until the answer
   is here the button sleeps, so that nobody sends what was not shown. */

const waiting = new WeakMap();

/* What is wrong with a value stands under its field, as it would after sending; true when anything is. */
const helps = new WeakMap();
const showProblems = (form, page) => {
  let found = false;
  for (const field of form.querySelectorAll("[data-plan-input][id]")) {
    if (!helps.has(field)) helps.set(field, field.hasAttribute("aria-invalid") ? "" : field.getAttribute("aria-describedby") ?? "");
    const old = document.getElementById(field.getAttribute("aria-describedby"));
    if (old?.matches(".invalid-feedback")) old.remove();
    const twin = page.getElementById(field.id);
    const problem = twin?.hasAttribute("aria-invalid") ? page.getElementById(twin.getAttribute("aria-describedby")) : null;
    field.classList.toggle("is-invalid", Boolean(problem));
    field.toggleAttribute("aria-invalid", Boolean(problem));
    if (problem) {
      found = true;
      const told = document.importNode(problem, true);
      told.id = `${field.id}-problem`;
      told.setAttribute("role", "alert");
      (field.closest(".percent-row") ?? field.closest(".input-group") ?? field).after(told);
      field.setAttribute("aria-invalid", "true");
      field.setAttribute("aria-describedby", told.id);
    } else if (helps.get(field)) field.setAttribute("aria-describedby", helps.get(field));
    else field.removeAttribute("aria-describedby");
  }
  return found;
};

const renew = async (form) => {
  const button = form.querySelector("[data-plan-button]");
  if (button) button.disabled = true;
  waiting.get(form)?.abort();
  const stop = new AbortController();
  waiting.set(form, stop);
  const address = new URL(form.dataset.planForm, location.href);
  for (const [name, value] of new FormData(form)) if (!["csrf_token", "fingerprint", "key", "reason", "notes", "message"].includes(name)) address.searchParams.set(name, value);
  try {
    const answer = await fetch(address, { signal: stop.signal, headers: { "X-Requested-With": "dialog" } });
    // The password is asked for once more: that is a page of its own, which leads back here.
    if (answer.redirected) { location.assign(address); return; }
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const fresh = page.querySelector("[data-plan]");
    const label = page.querySelector("[data-plan-button]");
    const shown = form.querySelector("[data-plan]");
    const isWrong = showProblems(form, page) || !answer.ok || !fresh || !label;
    // What was shown is not what these values would do.
    shown.classList.toggle("is-past", isWrong);
    if (isWrong) return;
    shown.replaceWith(document.importNode(fresh, true));
    // The whole button: one that only showed what it means becomes the one that does it.
    if (button) button.replaceWith(document.importNode(label, true));
  } catch (error) {
    if (error.name !== "AbortError" && button) button.disabled = false;
  }
};

let soon;
document.addEventListener("input", (event) => {
  const form = event.target.closest("form[data-plan-form]");
  // A field inside of data-chooses="id" takes the choice with that id along; a search box has no name yet.
  const choice = event.target.name && event.target.value && event.target.closest("[data-chooses]");
  if (form && choice) form.querySelector(`#${choice.dataset.chooses}`).checked = true;
  if (!form || !(choice || event.target.matches("[data-plan-input]"))) return;
  clearTimeout(soon);
  const button = form.querySelector("[data-plan-button]");
  if (button) button.disabled = true;
  soon = setTimeout(() => void renew(form), 200);
});
document.addEventListener("click", (event) => {
  const choice = event.target.closest("[data-plan-percent]");
  if (!choice) return;
  const form = choice.closest("form[data-plan-form]");
  form.querySelector("#refundPercentage").value = choice.dataset.planPercent;
  void renew(form);
});

/* A dialog that says what will happen keeps its word while its numbers are changed: the preview of a form with
   data-plan-form is asked anew, and its table, its hidden marks and its button are put in place together. Until the answer
   is here the button sleeps, so that nobody sends what was not shown. */

const waiting = new WeakMap();

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
    const field = form.querySelector("#refundPercentage");
    field?.classList.toggle("is-invalid", !answer.ok);
    if (!answer.ok || !fresh || !label) return;
    form.querySelector("[data-plan]").replaceWith(document.importNode(fresh, true));
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

/* Says under a field with data-count how many characters are left, once it gets close. */

for (const field of document.querySelectorAll("[data-count]")) {
  const most = Number(field.dataset.count);
  const note = document.createElement("div");
  note.className = "form-text counter";
  note.setAttribute("aria-live", "polite");
  field.after(note);
  const count = () => {
    const left = most - field.value.length;
    note.textContent = field.value.length ? `${field.value.length.toLocaleString("en")} of ${most.toLocaleString("en")} characters${left < 0 ? ", too many" : ""}` : "";
  };
  field.addEventListener("input", count);
  count();
}

/* data-copy="…": a click puts it on the clipboard, the icon turns into a tick for a moment. */

document.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-copy]");
  if (!button) return;
  try {
    await navigator.clipboard.writeText(button.dataset.copy);
  } catch {
    document.dispatchEvent(new CustomEvent("toast", {
      detail: { title: "Copying is not allowed here", text: button.dataset.copy, category: "warning" },
    }));
    return;
  }
  const mark = button.querySelector(".bi");
  button.dataset.copied = "true";
  mark?.classList.replace("bi-copy", "bi-check-lg");
  setTimeout(() => { delete button.dataset.copied; mark?.classList.replace("bi-check-lg", "bi-copy"); }, 1500);
});

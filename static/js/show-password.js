// A switch beside each password field that shows what was typed.
for (const field of document.querySelectorAll("input[type=password][data-can-show]")) {
  const group = document.createElement("div");
  group.className = "input-group";
  const button = document.createElement("button");
  button.type = "button";
  button.className = "btn btn-secondary";
  button.setAttribute("aria-controls", field.id);

  const tell = () => {
    const isShown = field.type === "text";
    button.textContent = isShown ? "Hide" : "Show";
    button.setAttribute("aria-label", isShown ? "Hide the password" : "Show the password");
  };
  button.addEventListener("click", () => {
    field.type = field.type === "text" ? "password" : "text";
    tell();
  });
  // It is sent as a password again, so that the browser offers to keep it.
  field.form?.addEventListener("submit", () => {
    field.type = "password";
    tell();
  });
  const hadFocus = document.activeElement === field;
  field.replaceWith(group);
  group.append(field, button);
  if (hadFocus) field.focus();
  tell();
}

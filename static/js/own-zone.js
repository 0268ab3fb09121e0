// Proposes the browser's own time zone where nobody has chosen one yet.
const own = Intl.DateTimeFormat().resolvedOptions().timeZone;
for (const select of document.querySelectorAll("select[data-own-zone]")) {
  if (select.value === "UTC" && [...select.options].some((option) => option.value === own)) select.value = own;
}

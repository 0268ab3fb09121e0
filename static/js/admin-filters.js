/* "Add filter" of a generated list: column, condition, and the input that fits it. The value goes out as Flask-Admin reads it. */

const TYPES = { datepicker: "date", datetimepicker: "datetime-local", timepicker: "time" };
const RANGES = { daterangepicker: "date", datetimerangepicker: "datetime-local", timerangepicker: "time" };
const written = (type, value) => {
  if (type === "datetime-local") return value.replace("T", " ") + (value.length === 16 ? ":00" : "");
  return type === "time" && value.length === 5 ? `${value}:00` : value;
};
const input = (type, label) => {
  const field = document.createElement("input");
  field.className = "form-control mb-2";
  field.type = type;
  field.required = true;
  field.setAttribute("aria-label", label);
  if (type !== "text" && type !== "date") field.step = "1";
  return field;
};

for (const form of document.querySelectorAll("[data-admin-filter]")) {
  const groups = JSON.parse(document.getElementById("filter-groups-data").textContent);
  const group = form.querySelector("[data-filter-group]");
  const operation = form.querySelector("[data-filter-operation]");
  const place = form.querySelector("[data-filter-value]");
  const chosen = () => groups[group.value].find((filter) => filter.arg === operation.value);

  const drawValue = () => {
    const filter = chosen();
    const hidden = document.createElement("input");
    hidden.type = "hidden";
    hidden.name = `flt${form.dataset.next}_${filter.arg}`;
    if (filter.options && filter.type !== "select2-tags") {
      const select = document.createElement("select");
      select.className = "form-select";
      select.name = hidden.name;
      select.setAttribute("aria-label", "Value");
      for (const [value, text] of filter.options) select.add(new Option(text, value));
      place.replaceChildren(select);
      return;
    }
    const ranged = RANGES[filter.type];
    const type = ranged ?? TYPES[filter.type] ?? "text";
    const fields = ranged ? [input(type, "From"), input(type, "To")] : [input(type, "Value")];
    if (filter.type === "select2-tags") fields[0].placeholder = "Several, separated by commas";
    const carry = () => { hidden.value = fields.map((field) => written(type, field.value)).join(" to "); };
    for (const field of fields) field.addEventListener("input", carry);
    place.replaceChildren(...fields, hidden);
  };
  const drawOperations = () => {
    operation.replaceChildren(...groups[group.value].map((filter) => new Option(filter.operation, filter.arg)));
    drawValue();
  };
  group.addEventListener("change", drawOperations);
  operation.addEventListener("change", drawValue);
  drawOperations();
  form.closest("details").addEventListener("toggle", (event) => { if (event.target.open) group.focus(); });
}

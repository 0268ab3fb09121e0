/* The widgets that Flask-Admin's form fields render (data-role=…), with Tom Select and native inputs. */

import { chooser, searching } from "./chooser.js";

const LONG = 12;
const BLANK = "__None";

const list = (field) => {
  if (!field.multiple && field.options.length <= LONG) return;
  chooser(field, { plugins: field.multiple ? ["remove_button"] : [], maxOptions: 500, allowEmptyOption: true });
};

const words = (field) => chooser(field, {
  create: true, persist: false, delimiter: ",", plugins: ["remove_button"], duplicates: field.dataset.allowDuplicateTags === "true",
});

/* A record looked up by typing. Flask-Admin answers [[id, text], …] and reads ids joined by its separator. */
const lookup = (field) => {
  const many = field.dataset.multiple === "1";
  const known = JSON.parse(field.dataset.json ?? "null");
  const read = (rows) => rows.map(([value, text]) => ({ value: String(value), text }));
  const items = read(many ? known ?? [] : known ? [known] : []);
  field.type = "text";
  const select = chooser(field, {
    options: items, items: items.map((item) => item.value), maxItems: many ? null : 1, valueField: "value", labelField: "text",
    placeholder: "Type to search", delimiter: field.dataset.separator ?? ",", create: false,
    plugins: many || field.dataset.allowBlank ? ["remove_button"] : [],
    ...searching(field.dataset.url, Number(field.dataset.minimumInputLength ?? 1), (query) => ({ query, offset: 0, limit: 10 }), read),
  });
  select.on("type", () => select.clearOptions((option) => select.items.includes(option.value)));
  if (!many && field.dataset.allowBlank) field.form?.addEventListener("formdata", (event) => { if (!event.formData.get(field.name)) event.formData.set(field.name, BLANK); });
};

/* Native date and time inputs say "2026-11-14T10:00"; Flask-Admin's own fields read "2026-11-14 10:00:00". */
const moment = (field) => {
  field.form?.addEventListener("formdata", (event) => {
    const value = event.formData.get(field.name);
    if (value) event.formData.set(field.name, value.replace("T", " ") + (/\d\d:\d\d:\d\d$/.test(value) ? "" : ":00"));
  });
};

const KINDS = { select2: list, "select2-tags": words, "select2-ajax": lookup, datetimepicker: moment, timepicker: moment };
const enhance = (root) => {
  for (const field of root.querySelectorAll("[data-role]")) {
    if (field.tomselect || field.dataset.ready || field.closest("template")) continue;
    field.dataset.ready = "true";
    KINDS[field.dataset.role]?.(field);
  }
};

/* One more row of an inner form: ids and names of the template get the row's prefix, as Flask-Admin counts them. */
const addRow = (button) => {
  const area = button.closest("[data-inline]");
  const list = area.querySelector(":scope > [data-inline-list]");
  const outer = area.parentElement.closest("[data-inline-row][data-inline-fresh]");
  const base = outer ? `${outer.id}-${area.dataset.inline}` : area.dataset.inline;
  const next = Math.max(-1, ...[...list.children].map((row) => Number(row.id.split("-").pop()))) + 1;
  const prefix = `${base}-${next}`;
  const row = area.querySelector(":scope > template").content.firstElementChild.cloneNode(true);
  const placed = (name) => (name ? `${prefix}-${name}` : prefix);
  row.id = prefix;
  for (const field of row.querySelectorAll("[name]")) {
    const label = field.id && row.querySelector(`label[for="${CSS.escape(field.id)}"]`);
    field.id = placed(field.id);
    field.name = placed(field.name);
    if (label) label.htmlFor = field.id;
  }
  list.append(row);
  enhance(row);
  row.querySelector("input, select, textarea")?.focus();
};

document.addEventListener("click", (event) => {
  const add = event.target.closest("[data-inline-add]");
  if (add) addRow(add);
  event.target.closest("[data-inline-remove]")?.closest("[data-inline-row]").remove();
});
document.addEventListener("contentadded", (event) => enhance(event.detail));
enhance(document);

/* The widgets that Flask-Admin's form fields render (data-role=…), with Tom Select and native inputs. */

const LONG = 12;
const BLANK = "__None";

const chooser = (field) => {
  if (field.tomselect || (!field.multiple && field.options.length <= LONG)) return;
  new window.TomSelect(field, { plugins: field.multiple ? ["remove_button"] : [], maxOptions: 500, allowEmptyOption: true });
};

const words = (field) => new window.TomSelect(field, {
  create: true, persist: false, delimiter: ",", plugins: ["remove_button"], duplicates: field.dataset.allowDuplicateTags === "true",
});

/* A record looked up by typing. Flask-Admin answers [[id, text], …] and reads ids joined by its separator. */
const lookup = (field) => {
  const many = field.dataset.multiple === "1";
  const known = JSON.parse(field.dataset.json ?? "null");
  const items = (many ? known ?? [] : known ? [known] : []).map(([value, text]) => ({ value: String(value), text }));
  const least = Number(field.dataset.minimumInputLength ?? 1);
  field.type = "text";
  const select = new window.TomSelect(field, {
    options: items, items: items.map((item) => item.value), maxItems: many ? null : 1, valueField: "value", labelField: "text",
    searchField: [], placeholder: "Type to search", delimiter: field.dataset.separator ?? ",", create: false,
    plugins: many || field.dataset.allowBlank ? ["remove_button"] : [],
    shouldLoad: (query) => query.length >= least,
    load: async (query, done) => {
      try {
        const address = new URL(field.dataset.url, location.href);
        for (const [key, value] of Object.entries({ query, offset: 0, limit: 10 })) address.searchParams.set(key, value);
        const answer = await fetch(address, { headers: { Accept: "application/json" } });
        done(answer.ok ? (await answer.json()).map(([value, text]) => ({ value: String(value), text })) : []);
      } catch { done([]); }
    },
    render: { no_results: () => '<div class="no-results">Nothing found</div>' },
  });
  if (!many) select.on("type", () => select.clearOptions((option) => select.items.includes(option.value)));
  if (!many && field.dataset.allowBlank) field.form?.addEventListener("formdata", (event) => { if (!event.formData.get(field.name)) event.formData.set(field.name, BLANK); });
};

/* Native date and time inputs say "2026-11-14T10:00"; Flask-Admin's own fields read "2026-11-14 10:00:00". */
const moment = (field) => {
  field.form?.addEventListener("formdata", (event) => {
    const value = event.formData.get(field.name);
    if (value) event.formData.set(field.name, value.replace("T", " ") + (/\d\d:\d\d:\d\d$/.test(value) ? "" : ":00"));
  });
};

const KINDS = { select2: chooser, "select2-tags": words, "select2-ajax": lookup, datetimepicker: moment, timepicker: moment };
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

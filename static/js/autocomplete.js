/* Tom Select where a field asks for it:
   data-autocomplete="<url>"  asks url?q=…  and expects [{value, text, note?}, …]
   data-select                a long list with a search box
   data-tags                  several words, kept as one comma-separated text */

import { chooser, searching } from "./chooser.js";

const enhance = (field) => {
  if (field.tomselect || !window.TomSelect) return;
  const words = "tags" in field.dataset;
  const url = field.dataset.autocomplete;
  const select = chooser(field, {
    placeholder: field.dataset.placeholder,
    plugins: field.multiple || words ? ["remove_button"] : [],
    closeAfterSelect: !field.multiple,
    render: {
      option: (item, escape) => `<div>${escape(item.text)}${item.note ? `<small>${escape(item.note)}</small>` : ""}</div>`,
      item: (item, escape) => `<div>${escape(item.text)}</div>`,
    },
    ...(words && { create: true, persist: false, delimiter: ",", duplicates: field.dataset.tags === "duplicates" }),
    ...(url && { valueField: "value", labelField: "text" }),
    ...(url && searching(url, Number(field.dataset.minLength ?? 1), (q) => ({ q }), (found) => found)),
  });
  // What was found for the words before is no answer to these.
  if (url) select.on("type", () => select.clearOptions((option) => select.items.includes(option.value)));
};

const enhanceAll = (root) => { for (const field of root.querySelectorAll("[data-autocomplete], [data-select], [data-tags]")) enhance(field); };
enhanceAll(document);
document.addEventListener("contentadded", (event) => enhanceAll(event.detail));

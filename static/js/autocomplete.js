/* Tom Select where a field asks for it:
   data-autocomplete="<url>"  asks url?q=…  and expects [{value, text, note?}, …]
   data-select                a long list with a search box
   data-tags                  several words, kept as one comma-separated text */

const enhance = (field) => {
  if (field.tomselect || !window.TomSelect) return;
  const url = field.dataset.autocomplete;
  const least = Number(field.dataset.minLength ?? 1);
  const options = {
    placeholder: field.dataset.placeholder,
    plugins: field.multiple || "tags" in field.dataset ? ["remove_button"] : [],
    maxOptions: 200,
    closeAfterSelect: !field.multiple,
    render: {
      option: (item, escape) => `<div>${escape(item.text)}${item.note ? `<small>${escape(item.note)}</small>` : ""}</div>`,
      item: (item, escape) => `<div>${escape(item.text)}</div>`,
      no_results: () => '<div class="no-results">Nothing found</div>',
    },
  };
  if ("tags" in field.dataset) Object.assign(options, { create: true, persist: false, delimiter: ",", duplicates: field.dataset.tags === "duplicates" });
  if (url) {
    Object.assign(options, {
      valueField: "value",
      labelField: "text",
      searchField: [],
      shouldLoad: (query) => query.length >= least,
      load: async (query, done) => {
        try {
          const address = new URL(url, location.href);
          address.searchParams.set("q", query);
          const answer = await fetch(address, { headers: { Accept: "application/json" } });
          done(answer.ok ? await answer.json() : []);
        } catch { done([]); }
      },
    });
  }
  const select = new window.TomSelect(field, options);
  if (field.getAttribute("aria-describedby")) select.control_input.setAttribute("aria-describedby", field.getAttribute("aria-describedby"));
};

const enhanceAll = (root) => { for (const field of root.querySelectorAll("[data-autocomplete], [data-select], [data-tags]")) enhance(field); };
enhanceAll(document);
document.addEventListener("contentadded", (event) => enhanceAll(event.detail));

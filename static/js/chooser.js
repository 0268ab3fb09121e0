/* Tom Select the way every field of ours uses it. Comes by import, never by a tag of its own. */

export const chooser = (field, options) => {
  const select = new window.TomSelect(field, {
    maxOptions: 200,
    ...options,
    render: { no_results: () => '<div class="no-results">Nothing found</div>', ...options.render },
  });
  // The original stays in the form for its value; a reader and the keyboard meet only the new one.
  field.setAttribute("aria-hidden", "true");
  const described = field.getAttribute("aria-describedby");
  if (described) select.control_input.setAttribute("aria-describedby", described);
  if (field.getAttribute("aria-invalid")) select.control_input.setAttribute("aria-invalid", "true");
  return select;
};

/* A search at `url`: `ask` gives the address arguments, `read` turns the answer into [{value, text, note?}, …]. */
export const searching = (url, least, ask, read) => ({
  searchField: [],
  shouldLoad: (query) => query.length >= least,
  load: async (query, done) => {
    try {
      const address = new URL(url, location.href);
      for (const [key, value] of Object.entries(ask(query))) address.searchParams.set(key, value);
      const answer = await fetch(address, { headers: { Accept: "application/json" } });
      done(answer.ok ? read(await answer.json()) : []);
    } catch { done([]); }
  },
});

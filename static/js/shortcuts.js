/* "/" goes to the search (the frame's, else the page's), "?" shows the keys; a link, button or field with data-key="c"
   answers to c (named by data-key-label). */

import { makeDialog } from "./dialog.js";

const writing = (node) => node.closest("input, textarea, select, [contenteditable]") && !node.matches("[type=checkbox], [type=radio]");

const help = () => {
  if (document.querySelector("dialog.dialog[open]")) return;
  const keys = [["/", "Search"], ["?", "This list"], ["Esc", "Close what is open"]];
  for (const node of document.querySelectorAll("[data-key]")) keys.push([node.dataset.key, node.dataset.keyLabel ?? node.textContent.trim()]);
  const box = document.createElement("div");
  const head = document.createElement("header");
  head.className = "dialog-head";
  const title = document.createElement("h2");
  title.textContent = "Keyboard shortcuts";
  head.append(title);
  const body = document.createElement("div");
  body.className = "dialog-body";
  const list = document.createElement("dl");
  list.className = "keys";
  for (const [key, label] of keys) {
    const term = document.createElement("dt");
    const cap = document.createElement("kbd");
    cap.textContent = key;
    term.append(cap);
    const meaning = document.createElement("dd");
    meaning.textContent = label;
    list.append(term, meaning);
  }
  body.append(list);
  const foot = document.createElement("footer");
  foot.className = "dialog-foot";
  const close = document.createElement("button");
  close.type = "button";
  close.className = "btn btn-secondary";
  close.dataset.dialogClose = "";
  close.textContent = "Close";
  foot.append(close);
  box.append(head, body, foot);
  makeDialog(box);
};

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing || writing(event.target)) return;
  if (event.key === "/") {
    const search = document.querySelector("[data-search]") ?? document.querySelector("main input[type=search]");
    if (search) { event.preventDefault(); search.focus(); search.select(); }
  } else if (event.key === "?") {
    help();
  } else if (!document.querySelector("dialog.dialog[open]")) {
    const target = [...document.querySelectorAll("[data-key]")].find((node) => node.dataset.key === event.key);
    if (!target) return;
    event.preventDefault();
    if (target.matches("input, textarea, select")) target.focus();
    else target.click();
  }
});
document.addEventListener("click", (event) => { if (event.target.closest("[data-help]")) help(); });

/** What is half written, and which parts are unfolded, outlives the sending of another form that brings the page anew. */
import { isChanged, put, valueOf } from "./fields.js";
import { kept } from "./kept.js";

const KEY = location.pathname;
const FIELDS = "main form :is(input, textarea, select):not([type=hidden], [type=file])";
const FOLDS = "main details.fold";

/** A field is known by where its form goes and its name, or by its own where scripts send it. */
const nameOf = (field) => `${field.form.getAttribute("action")} ${field.name || field.id}`;
/** A part that can be unfolded is known by its first words: how many there are of something may change. */
const titleOf = (fold) => fold.querySelector("summary").firstChild.textContent.trim();

/** Keep it when a form is sent that scripts do not send, and bring back what was kept. */
addEventListener("submit", (event) => event.defaultPrevented || keep(event.target));
const found = kept.forTab.getItem(KEY);
if (found) bringAllBack(JSON.parse(found));

function bringAllBack({ fields, folds }) {
  kept.forTab.removeItem(KEY);
  for (const fold of document.querySelectorAll(FOLDS)) fold.open ||= folds.includes(titleOf(fold));
  for (const field of document.querySelectorAll(FIELDS)) bringBack(field, fields[nameOf(field)]);
}

function keep(sent) {
  const changed = [...document.querySelectorAll(FIELDS)].filter((field) => field.form !== sent && isChanged(field));
  const fields = Object.fromEntries(changed.map((field) => [nameOf(field), valueOf(field)]));
  const folds = [...document.querySelectorAll(FOLDS)].filter(({ open }) => open).map(titleOf);
  kept.forTab.setItem(KEY, JSON.stringify({ fields, folds }));
}

/* Unless somebody has written there already. */
function bringBack(field, value) {
  if (value === undefined || isChanged(field)) return;
  put(field, value);
  field.dispatchEvent(new Event("input", { bubbles: true }));
}

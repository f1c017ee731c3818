/**
 * A timer's form sends what somebody changed in it and nothing else, so that two hosts may change one timer at once. What another
 * one changed while it is open comes into it; where both changed the same, it is told before one puts theirs in its place.
 */
import { givenOf, givenOption, isChanged } from "./fields.js";
import { localiseFields } from "./site.js";
import { t } from "./texts.js";

const fieldsOf = (form) => [...form.elements].filter(({ name, type }) => name && type !== "hidden");

document.addEventListener("formdata", ({ target, formData }) => {
  if (!target.matches(".timer-form")) return;
  for (const field of fieldsOf(target)) if (!isChanged(field)) formData.delete(field.name);
});

document.addEventListener("newer", ({ target, detail }) => bringIn(target, detail));

/** @param {HTMLElement} place of the list @param {string} html the list as it is by now */
function bringIn(place, html) {
  const fresh = Object.assign(document.createElement("template"), { innerHTML: html }).content;
  localiseFields(fresh);
  for (const form of place.querySelectorAll("details.menu[open] .timer-form")) {
    const now = fresh.querySelector(`.timer-form[action="${form.getAttribute("action")}"]`);
    if (!now) continue;
    const taken = fieldsOf(form).filter((field) => now.elements[field.name] && isTaken(field, givenOf(now.elements[field.name])));
    if (taken.length) tell(form, taken);
  }
}

/* Give the field another value, unless somebody has written one: then that stays, and both have changed it. */
function isTaken(field, given) {
  if (given === givenOf(field)) return false;
  const { value } = field;
  const isMine = isChanged(field);
  if (field.options) for (const option of field.options) option.defaultSelected = option.value === given;
  else field.defaultValue = given;
  field.value = isMine ? value : given;
  return isChanged(field);
}

function tell(form, fields) {
  form.querySelector(":scope > .field-error")?.remove();
  const names = fields.map((field) => `${field.closest("label").textContent.trim().split("\n")[0].trim()}: ${shown(field)}`);
  const note = { className: "field-error whole-field", role: "alert", textContent: t("meanwhile", { what: names.join(", ") }) };
  form.append(Object.assign(document.createElement("p"), note));
}

const shown = (field) => (field.options ? givenOption(field).text : givenOf(field).replace("T", " "));

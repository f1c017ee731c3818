/** Every page: times in the reader's zone, and date fields that are filled in and sent in it. Without scripts all is UTC. */

import { locale } from "./texts.js";

/** Show each `<time data-clock>` (time of day) and `<time data-moment>` (with the day) under `root` as it is here. */
export function showTimes(root = document) {
  for (const time of root.querySelectorAll("time[data-clock], time[data-moment]")) {
    const moment = new Date(time.dateTime);
    time.textContent = "moment" in time.dataset ? moment.toLocaleString(locale, MOMENT) : moment.toLocaleTimeString(locale, CLOCK);
    time.title = moment.toLocaleString(locale);
  }
}

/** Turn the date fields under `root`, which were rendered in UTC, to this device's zone. */
export function localiseFields(root = document) {
  for (const field of root.querySelectorAll('input[type="datetime-local"]')) {
    if (field.value) field.value = toField(new Date(`${field.value}Z`));
  }
  for (const zone of root.querySelectorAll(".zone")) zone.remove();
}

const CLOCK = { hour: "2-digit", minute: "2-digit" };
const MOMENT = { dateStyle: "medium", timeStyle: "short" };

function toField(date) {
  const local = new Date(date.getTime() - date.getTimezoneOffset() * 60_000);
  return local.toISOString().slice(0, 19);
}

/* What leaves is an instant with its offset, whatever the field shows. */
document.addEventListener("formdata", ({ target, formData }) => {
  for (const field of target.querySelectorAll('input[type="datetime-local"]')) {
    if (field.name && field.value) formData.set(field.name, new Date(field.value).toISOString());
  }
});

/* Only one menu is open at a time, and Escape or a click elsewhere closes it. */
document.addEventListener("click", ({ target }) => closeMenus(target.closest("details.menu")));
document.addEventListener("keydown", ({ key }) => key === "Escape" && closeMenus());

function closeMenus(except) {
  for (const menu of document.querySelectorAll("details.menu[open]")) if (menu !== except) menu.open = false;
}

const print = document.getElementById("print");
if (print) {
  print.hidden = false;
  print.addEventListener("click", () => window.print());
}

showTimes();
localiseFields();

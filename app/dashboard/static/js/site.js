/** Every page: times in the reader's zone, and date fields that are filled in and sent in it. Without scripts all is UTC. */

import { locale } from "./texts.js";

/** Show each `<time data-clock>` (time of day) and `<time data-moment>` (with the day) under `root` as it is here. */
export function showTimes(root = document) {
  for (const time of root.querySelectorAll("time[data-clock], time[data-moment]")) {
    const moment = new Date(time.dateTime);
    time.textContent = "moment" in time.dataset ? moment.toLocaleString(locale, MOMENT) : moment.toLocaleTimeString(locale, CLOCK);
    time.title = moment.toLocaleString(locale);
  }
  for (const list of document.querySelectorAll("[data-days]")) markDays(list);
}

/* A plan of several days, or of another day than today, says which: above the first entry of each. */
function markDays(list) {
  const dayOf = (instant) => new Date(instant).toLocaleDateString(locale, DAY);
  const entries = [...list.querySelectorAll("[data-planned]")];
  const days = new Set(entries.map(({ dataset }) => dayOf(dataset.planned)));
  const isPlain = days.size === 1 && days.has(dayOf(Date.now()));
  for (const entry of entries) {
    const day = dayOf(entry.dataset.planned);
    if (!isPlain && days.delete(day)) entry.dataset.day = day;
    else delete entry.dataset.day;
  }
}

/** Turn the date fields under `root`, which were rendered in UTC, to this device's zone. */
export function localiseFields(root = document) {
  for (const field of root.querySelectorAll('input[type="datetime-local"]')) {
    if (field.defaultValue) field.defaultValue = toField(new Date(`${field.defaultValue}Z`));
  }
  for (const zone of root.querySelectorAll(".zone")) zone.remove();
}

const CLOCK = { hour: "2-digit", minute: "2-digit" };
const DAY = { weekday: "long", day: "numeric", month: "long" };
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

/* An open menu lies above whatever would cut it off, below its button, or above it, or as far up as it takes, and within what is in
   sight: a clock and a bar that stay there are left free where the rest is enough. One with `data-beside` lies beside its button, or
   beside what is named there, where buttons stand below each other and the next one is as likely to be wanted. */
const EDGE_PX = 8;
const STAYS = ".control .clock, .viewer .clock, .sections";
let open;

function place() {
  const box = open.getBoundingClientRect();
  const menu = open.querySelector(".more");
  const { clientWidth: width } = document.documentElement;
  const height = menu.scrollHeight + menu.offsetHeight - menu.clientHeight;
  const [from, to] = inSight(height);
  const { left } = open.closest(open.dataset.beside || ".menu").getBoundingClientRect();
  const isBeside = "beside" in open.dataset && left - EDGE_PX > menu.offsetWidth;
  const [below, above] = isBeside ? [box.top, box.bottom - height] : [box.bottom, box.top - height];
  const top = below + height > to && above >= from ? above : below;
  Object.assign(menu.style, {
    position: "fixed",
    top: `${Math.max(from, Math.min(top, to - height))}px`,
    right: `${Math.max(EDGE_PX, Math.min(width - (isBeside ? left : box.right), width - menu.offsetWidth - EDGE_PX))}px`,
    maxHeight: `${to - from}px`,
    overflowY: "auto",
  });
}

/* From where to where on the screen a menu may lie that is `height` high. */
function inSight(height) {
  const { offsetTop, height: seen } = visualViewport;
  const whole = [offsetTop + EDGE_PX, offsetTop + seen - EDGE_PX];
  let [from, to] = whole;
  for (const part of document.querySelectorAll(STAYS)) {
    const box = part.getBoundingClientRect();
    if (!["sticky", "fixed"].includes(getComputedStyle(part).position) || part.contains(open)) continue;
    if (box.top > (from + to) / 2) to = Math.min(to, box.top - EDGE_PX);
    else from = Math.max(from, box.bottom + EDGE_PX);
  }
  return to - from >= height ? [from, to] : whole;
}

function follow({ target }) {
  if (!target.matches("details.menu")) return;
  if (target.open) open = target;
  else if (open === target) open = undefined;
  if (open) place();
}

/* `toggle` alone may come a frame late, with the menu already seen where it does not belong; it alone tells of one that came open. */
new MutationObserver((changes) => changes.forEach(follow)).observe(document, { attributeFilter: ["open"], subtree: true });
document.addEventListener("toggle", follow, true);
addEventListener("scroll", () => open?.isConnected && place(), { capture: true, passive: true });
for (const screen of [window, visualViewport]) screen.addEventListener("resize", () => open?.isConnected && place());

/** Close a menu. Whoever is in it by keyboard comes out at its button: what is hidden loses the focus to the page. */
export function leave(menu) {
  if (menu?.contains(document.activeElement)) menu.querySelector("summary").focus({ preventScroll: true });
  menu?.removeAttribute("open");
}

/* Only one menu is open at a time, and Escape or a click elsewhere closes it. */
document.addEventListener("click", ({ target }) => closeMenus(target.closest("details.menu")));
document.addEventListener("keydown", ({ key }) => key === "Escape" && closeMenus());

function closeMenus(except) {
  for (const menu of document.querySelectorAll("details.menu[open]")) if (menu !== except) menu.open = false;
}

/** Whether a drag brings files which no field of the page takes by itself. */
export function bringsFiles({ dataTransfer, target }) {
  return dataTransfer?.types.includes("Files") && !target.closest?.('input[type="file"]');
}

/* A file that nothing here takes must not take the page's place, and with it somebody's running show. */
for (const kind of ["dragover", "drop"]) {
  document.addEventListener(kind, (event) => {
    if (event.defaultPrevented || !bringsFiles(event)) return;
    event.preventDefault();
    event.dataTransfer.dropEffect = "none";
  });
}

/* A page that could not be made for the moment, or not for somebody who is banned, asks until it can; what is not there any more, too,
   is another answer. */
const AGAIN_MS = 3_000;
const again = document.querySelector("[data-again]")?.dataset.again;
if (again) {
  setInterval(async () => {
    const answer = await fetch(again, { cache: "no-store", headers: { Accept: "text/html" } }).catch(() => undefined);
    if (answer?.ok || answer?.status === 404) location.reload();
  }, AGAIN_MS);
}

const print = document.getElementById("print");
if (print) {
  print.hidden = false;
  print.addEventListener("click", () => window.print());
}

localiseFields();
// Behind what the page does first: a browser's first time of day takes it as long as a whole page's script.
requestAnimationFrame(() => setTimeout(showTimes));

/** The overview: what runs in my rooms, ticking, and asked for again now and then. */
import { format } from "../client/countdown.js";
import "./site.js";

const TICK_MS = 500;
const AGAIN_MS = 15_000;
const list = document.getElementById("rooms-list");
let ahead = Date.parse(list.dataset.now) - Date.now();

setInterval(() => {
  const now = Date.now() + ahead;
  for (const digits of list.querySelectorAll("[data-ends]")) {
    digits.textContent = format(Math.max(0, Date.parse(digits.dataset.ends) - now));
  }
  for (const digits of list.querySelectorAll("[data-over]")) {
    digits.textContent = `+${format(Math.max(0, now - Date.parse(digits.dataset.over)), { up: true })}`;
  }
}, TICK_MS);

setInterval(async () => {
  if (document.hidden || list.contains(document.activeElement)) return;
  const response = await fetch(location.href, { headers: { Accept: "text/html" } }).catch(() => undefined);
  if (!response?.ok) return;
  const fresh = new DOMParser().parseFromString(await response.text(), "text/html").getElementById("rooms-list");
  if (!fresh) return;
  ahead = Date.parse(fresh.dataset.now) - Date.now();
  list.replaceChildren(...fresh.children);
}, AGAIN_MS);

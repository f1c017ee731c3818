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

const isInUse = () => document.hidden || list.contains(document.activeElement) || list.matches(":active");

setInterval(async () => {
  if (isInUse()) return;
  const response = await fetch(location.href, { headers: { Accept: "text/html" } }).catch(() => undefined);
  const text = response?.ok && (await response.text().catch(() => undefined));
  const fresh = text && new DOMParser().parseFromString(text, "text/html").getElementById("rooms-list");
  if (!fresh || isInUse()) return;
  ahead = Date.parse(fresh.dataset.now) - Date.now();
  list.replaceChildren(...fresh.children);
}, AGAIN_MS);

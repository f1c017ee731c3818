/** The run of show on the control page: follows what happens, counts down, and shows drift. */
import { lengthText } from "../client/countdown.js";
import { driftText, endOfDay, forecast, lateness, plan, schedule } from "../client/schedule.js";
import { counting } from "./clockface.js";
import { isInUse } from "./parts.js";
import { followDragging } from "./run_order.js";
import { isSignedOut } from "./signed_out.js";
import { localiseFields, showTimes } from "./site.js";
import { locale, t } from "./texts.js";

const PLAN_EVERY_MS = 500;
const LATER_MS = 100;

/* The times of day of a programme are meant where it is imported. */
for (const zone of document.querySelectorAll('[type="hidden"][name="timeZone"]')) {
  zone.value = new Intl.DateTimeFormat().resolvedOptions().timeZone;
}
const MINUTE_MS = 60_000;
const CLOCK = { hour: "2-digit", minute: "2-digit" };

export class Run {
  #place = document.getElementById("run-place");
  // The list came with the page, of the timers that came with it.
  #shape = shapeOf(JSON.parse(document.getElementById("room-state").textContent).timers);
  #plannedAt = 0;
  #isFollowing = false;

  /**
   * @param {import("./clockface.js").Clockface} clockface of the page: its readings are the list's
   * @param {(answer: object) => void} report shows what became of an action
   */
  constructor(clockface, report) {
    this.clockface = clockface;
    this.room = clockface.room;
    this.report = report;
    followDragging(this, this.#place);
    this.room.store.addEventListener("change", () => this.draw());
    clockface.follow((now) => this.#read(now));
    this.draw();
  }

  /** The states are kept up to date in place; the list is fetched again when timers come, go, move or are renamed. */
  draw() {
    if (!this.room.store.room) return;
    this.#drawStates();
    this.#follow();
  }

  /** The list is not as any timers are: fetch it again. */
  drawAnew() {
    this.#shape = "";
    this.#follow();
  }

  /* One answer at a time: of two the later might be the older. And never under somebody's hands: there only what they are not at comes. */
  async #follow() {
    if (this.#isFollowing) return;
    this.#isFollowing = true;
    let brought;
    for (let shape; this.#shape !== (shape = shapeOf(this.room.store.room.timers)); brought = shape) {
      if (brought === shape && isInUse(this.#place)) await new Promise((resolve) => setTimeout(resolve, LATER_MS));
      else if (!(await this.#fetch(shape))) break;
    }
    this.#isFollowing = false;
  }

  #drawStates() {
    const { timers } = this.room.store.room;
    const current = this.room.store.current();
    for (const timer of timers) {
      const item = this.#item(timer);
      if (!item) continue;
      item.dataset.state = timer.state;
      item.querySelector(".state").textContent = t(`state.${timer.state}`);
      item.querySelector('[name="duration"]').readOnly = timer.state !== "idle";
      if (timer.id === current?.id) item.setAttribute("aria-current", "true");
      else item.removeAttribute("aria-current");
      item.querySelector("[data-length]").textContent = lengthText(timer);
      showActual(item.querySelector("[data-actual]"), timer);
    }
    showSeveral(timers);
    showTimes(this.#place);
    const now = this.room.client.clock.now();
    for (const timer of timers) this.#showLeft(timer, now);
    this.#comparePlan(now);
  }

  #read(now) {
    for (const timer of counting(this.room.store.room.timers)) this.#showLeft(timer, now);
    if (now - this.#plannedAt >= PLAN_EVERY_MS) this.#comparePlan(now);
  }

  /* What is left while it runs, and afterwards by how much it ran over. */
  #showLeft(timer, now) {
    const place = this.#item(timer)?.querySelector("[data-left]");
    const { text, isOver } = this.clockface.beside(timer, now);
    if (!place || place.textContent === text) return;
    place.textContent = text;
    place.classList.toggle("over", isOver);
  }

  #comparePlan(now) {
    this.#plannedAt = now;
    const { timers } = this.room.store.room;
    const planned = plan(timers);
    const drifts = schedule(timers, planned, now);
    const times = forecast(timers, planned, now);
    for (const timer of timers) {
      const item = this.#item(timer);
      if (!item) continue;
      showDrift(item.querySelector("[data-drift]"), drifts.get(timer.id));
      const isPlain = timer.startTimestamp || planned.has(timer.id); // when it began, or is planned, stands there
      showAbout(item.querySelector("[data-about]"), isPlain ? undefined : times.get(timer.id)?.begins, "about");
    }
    showAbout(document.getElementById("run-ends"), endOfDay(timers, times), "run_ends");
    const drift = lateness(this.room.store.current(), planned, drifts, now);
    showDrift(document.getElementById("drift"), drift, driftText(drift) && t(drift > 0 ? "late" : "early", { n: driftText(drift).slice(1) }));
  }

  #item(timer) {
    return this.#place.querySelector(`li[data-id="${timer.id}"]`);
  }

  /* Put the list's newest form in place, or into the menu that somebody is busy with. False: it cannot be had. */
  async #fetch(shape) {
    const response = await this.room.client.fetch(this.#place.dataset.url, { headers: { Accept: "text/html" } }).catch(() => undefined);
    if (!response?.ok || isSignedOut(response)) return false;
    const html = await response.text().catch(() => undefined);
    if (html === undefined) return false;
    if (isInUse(this.#place)) this.#place.dispatchEvent(new CustomEvent("newer", { bubbles: true, detail: html }));
    else this.#put(html, shape);
    return true;
  }

  #put(html, shape) {
    const held = this.#place.contains(document.activeElement) && document.activeElement.closest("li")?.dataset.id;
    this.#place.innerHTML = html;
    this.#shape = shape;
    localiseFields(this.#place);
    // Who goes by keyboard stays at the timer that they were at, wherever it is now.
    if (held) this.#item({ id: held })?.querySelector("summary").focus();
    this.#drawStates();
  }
}

const SHOWN = ["id", "title", "description", "duration", "plannedAt", "startsAt", "onFinish", "warnMs", "dangerMs"];

function shapeOf(timers) {
  return JSON.stringify(timers.map((timer) => SHOWN.map((name) => timer[name])));
}

function showActual(place, timer) {
  const known = place.querySelector("time")?.dateTime ?? null;
  if (known === timer.startTimestamp) return;
  place.textContent = timer.startTimestamp ? `${t("began")} ` : "";
  if (!timer.startTimestamp) return;
  const time = document.createElement("time");
  time.dateTime = timer.startTimestamp;
  time.dataset.clock = "";
  place.append(time);
}

function showSeveral(timers) {
  const { length } = timers.filter(({ state }) => state === "running");
  document.getElementById("several").hidden = length < 2;
  document.getElementById("several-run").textContent = length < 2 ? "" : t("several", { n: length });
}

function showAbout(place, instant, words) {
  const minute = String(Math.floor(instant / MINUTE_MS));
  if (place.dataset.minute === minute) return;
  place.dataset.minute = minute;
  place.textContent = instant === undefined ? "" : t(words, { time: new Date(instant).toLocaleTimeString(locale, CLOCK) });
}

function showDrift(place, driftMs, text = driftText(driftMs)) {
  if (place.textContent === text) return;
  place.hidden = !text;
  place.textContent = text;
  place.dataset.late = String(driftMs > 0);
}

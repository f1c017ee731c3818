/** The run of show on the control page: follows what happens, counts down, and shows drift. */
import { countdown, format, lengthText } from "../client/countdown.js";
import { overrun } from "../client/front.js";
import { driftText, schedule } from "../client/schedule.js";
import { later } from "./later.js";
import { isSignedOut } from "./signed_out.js";
import { localiseFields, showTimes } from "./site.js";
import { t } from "./texts.js";

const TICK_MS = 500;

export class Run {
  #place = document.getElementById("run-place");
  #shape = "";

  /** @param {import("../client/index.js").Room} room @param {(answer: object) => void} report shows what became of an action */
  constructor(room, report) {
    this.room = room;
    this.report = report;
    later(() => import("./control_later.js")).then(({ followDragging }) => followDragging(this, this.#place));
    setInterval(() => this.tick(), TICK_MS);
    this.tick();
  }

  /** The states are kept up to date in place; the list is fetched again when timers come, go, move or are renamed. */
  async draw() {
    const { timers } = this.room.store.room;
    const shape = shapeOf(timers);
    if (this.#shape && this.#shape !== shape) {
      if (this.#isBeingEdited()) return;
      await this.fetch();
    }
    this.#shape = shape;
    const current = this.room.store.current();
    for (const timer of timers) {
      const item = this.#item(timer);
      if (!item) continue;
      item.dataset.state = timer.state;
      item.querySelector(".state").textContent = t(`state.${timer.state}`);
      if (timer.id === current?.id) item.setAttribute("aria-current", "true");
      else item.removeAttribute("aria-current");
      item.querySelector("[data-length]").textContent = lengthText(timer);
      showActual(item.querySelector("[data-actual]"), timer);
    }
    showTimes(this.#place);
    this.tick();
  }

  tick() {
    const now = this.room.client.clock.now();
    const timers = this.room.store.room?.timers ?? [];
    const drifts = schedule(timers, this.#planned(), now);
    for (const timer of timers) {
      const item = this.#item(timer);
      if (!item) continue;
      showLeft(item.querySelector("[data-left]"), timer, timers, now);
      showDrift(item.querySelector("[data-drift]"), drifts.get(timer.id));
    }
    const drift = drifts.get(this.room.store.current()?.id);
    showDrift(document.getElementById("drift"), drift, driftText(drift) && t(drift > 0 ? "late" : "early", { n: driftText(drift).slice(1) }));
  }

  #item(timer) {
    return this.#place.querySelector(`li[data-id="${timer.id}"]`);
  }

  #planned() {
    return new Map([...this.#place.querySelectorAll("li[data-planned]")].map((li) => [li.dataset.id, Date.parse(li.dataset.planned)]));
  }

  /** Put the list's newest form in place. */
  async fetch() {
    const response = await this.room.client.fetch(this.#place.dataset.url, { headers: { Accept: "text/html" } });
    if (!response.ok || isSignedOut(response)) return;
    const held = this.#place.contains(document.activeElement) && document.activeElement.closest("li")?.dataset.id;
    this.#place.innerHTML = await response.text();
    localiseFields(this.#place);
    // Who goes by keyboard stays at the timer that they were at, wherever it is now.
    if (held) this.#item({ id: held })?.querySelector("summary").focus();
  }

  /** What somebody is typing into the list is not taken away from them; the list follows when they are done. */
  #isBeingEdited() {
    const editing = this.#place.querySelector("details[open] input:focus, details[open] select:focus");
    editing?.addEventListener("blur", () => this.draw(), { once: true });
    return Boolean(editing);
  }
}

function shapeOf(timers) {
  return JSON.stringify(timers.map(({ id, title, duration, startsAt, onFinish }) => [id, title, duration, startsAt, onFinish]));
}

/* What is left while it runs, and afterwards by how much it ran over. */
function showLeft(place, timer, timers, now) {
  const over = overrun(timer, timers, now);
  const left = ["running", "paused"].includes(timer.state) ? format(countdown(timer, now).ms) : "";
  const text = over === undefined ? left : t("over", { time: format(over, { up: true }) });
  if (place.textContent === text) return;
  place.textContent = text;
  place.classList.toggle("over", over !== undefined);
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

function showDrift(place, driftMs, text = driftText(driftMs)) {
  if (place.textContent === text) return;
  place.hidden = !text;
  place.textContent = text;
  place.dataset.late = String(driftMs > 0);
}

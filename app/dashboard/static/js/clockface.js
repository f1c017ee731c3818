/** The big clock of a page: one loop on the screen's own beat, which touches the document only where something changed. */
import { countdown, format, thresholds } from "../client/countdown.js";
import { countsOn, overrun } from "../client/front.js";
import { locale, t } from "./texts.js";

const TENTHS_BELOW_MS = 60_000;
const LONGEST_LEAD_MS = 2_000;
const OTHERS_EVERY_MS = 250;
const DAY_CLOCK = { hour: "2-digit", minute: "2-digit", second: "2-digit" };
const DAY_TIME = { hour: "2-digit", minute: "2-digit" };
export const MODES = ["left", "up", "clock"];

export class Clockface {
  #shown = {};
  #last;
  #held;
  #heldUntil = 0;
  #othersAt;

  /**
   * @param {import("../client/index.js").Room} room
   * @param {{tenths?: "auto"|"always"|"never", mode?: "left"|"up"|"clock", lead?: number}} [options] `lead`: how long after a
   *   start, in ms on the server's clock, it is shown: all screens know of it by then, and flip together
   */
  constructor(room, { tenths = "auto", mode = "left", lead = leadOfPage() } = {}) {
    this.room = room;
    this.tenths = tenths;
    this.mode = MODES.includes(mode) ? mode : "left";
    this.lead = Math.min(lead, LONGEST_LEAD_MS);
    this.parts = Object.fromEntries(
      ["clock", "timer-title", "digits", "phase", "progress", "others", "ends", "next-up"].map((id) => [id, document.getElementById(id)]),
    );
    for (const name of ["timer-update", "timer-finished"]) room.addEventListener(name, ({ detail }) => this.#hold(detail));
    this.tick = this.tick.bind(this);
    // Once the page's script has run to its end, so that nobody who listens misses the first phase.
    queueMicrotask(() => {
      this.tick();
      performance.mark("usable"); // for bench/pages.py
    });
  }

  tick() {
    this.draw();
    requestAnimationFrame(this.tick);
  }

  /** What the clock shows: `{timer, text, phase, title}`; for other windows that show the same. */
  get face() {
    return this.#shown;
  }

  /** Draw the timer in front as it is now. */
  draw() {
    const now = this.room.client.clock.now();
    const timer = this.#inFront(now);
    if (this.mode === "clock") this.#digits(new Date(now).toLocaleTimeString(locale, DAY_CLOCK));
    if (!timer) return;
    const face = countdown(timer, now);
    this.#put("timer-title", timer.title);
    this.#put("phase", face.paused ? t("phase.paused") : face.phase === "running" ? "" : t(`phase.${face.phase}`));
    if (this.mode !== "clock") this.#digits(...this.#textOf(timer, face));
    this.#phase(face.phase, timer);
    this.#progress(face.progress);
    this.#zones(timer);
    this.#others(timer, now);
  }

  /** A timer that has just begun waits for the lead, with what was there before. */
  #inFront(now) {
    if (this.#held && now < this.#heldUntil) return this.#held;
    this.#held = undefined;
    this.#last = this.room.store.current();
    return this.#last;
  }

  #hold(timer) {
    const begins = timer.state === "running" ? Date.parse(timer.serverNow) + this.lead : 0;
    if (!this.#last || this.#isRunning(timer) || begins <= this.room.client.clock.now()) return;
    this.#held ??= this.#last;
    this.#heldUntil = begins;
  }

  #isRunning(timer) {
    return !this.#held && this.#last.id === timer.id && this.#last.state === "running";
  }

  #textOf(timer, face) {
    const over = face.phase === "overtime";
    if (this.mode === "up") {
      const whole = timer.duration + timer.addedMs;
      return [format(over ? whole + face.ms : whole * face.progress, { up: true })];
    }
    const [whole, tenth] = format(face.ms, { tenths: this.#showsTenths(timer, face), up: over }).split(".");
    return [(over ? "+" : "") + whole, tenth];
  }

  #showsTenths(timer, face) {
    if (this.tenths !== "auto") return this.tenths === "always";
    return timer.state === "running" && face.ms < TENTHS_BELOW_MS && face.phase !== "overtime";
  }

  #digits(whole, tenth) {
    const text = tenth === undefined ? whole : `${whole}.${tenth}`;
    if (this.#shown.digits === text) return;
    this.#shown.digits = text;
    const { digits } = this.parts;
    digits.textContent = whole;
    digits.style.setProperty("--characters", String(Math.max(4, whole.length + (tenth === undefined ? 0 : 1))));
    if (tenth === undefined) return;
    const small = document.createElement("span");
    small.className = "tenths";
    small.textContent = `.${tenth}`;
    digits.append(small);
  }

  /** The timers that run, or run over, beside the one in front. */
  #others(current, now) {
    const { others } = this.parts;
    // A browser's first time of day takes it as long as a whole page's script: the digits come first.
    if (this.#othersAt === undefined) return void (this.#othersAt = 0);
    if (now - this.#othersAt < OTHERS_EVERY_MS) return;
    this.#othersAt = now;
    this.#around(current);
    if (!others) return;
    const { timers } = this.room.store.room;
    const faces = timers.filter(({ id }) => id !== current.id).map((timer) => besideOf(timer, timers, now)).filter(Boolean);
    const shown = JSON.stringify(faces);
    if (this.#shown.others === shown) return;
    this.#shown.others = shown;
    others.hidden = !faces.length;
    others.replaceChildren(...faces.map((face) => Object.assign(document.createElement("li"), face)));
  }

  /** When it ends, and what follows. */
  #around(current) {
    const ends = current.state === "running" && new Date(current.endTimestamp).toLocaleTimeString(locale, DAY_TIME);
    this.#put("ends", ends ? t("ends", { time: ends }) : "");
    const next = this.room.store.upcoming();
    this.#put("next-up", next ? t("next", { title: next.title }) : "");
  }

  #put(part, text) {
    if (!this.parts[part] || this.#shown[part] === text) return;
    this.#shown[part] = text;
    this.parts[part].textContent = text;
  }

  #phase(phase, timer) {
    if (this.#shown.state === phase) return;
    this.#shown.state = phase;
    this.parts.clock.dataset.phase = phase;
    document.body.dataset.phase = phase;
    document.dispatchEvent(new CustomEvent("phase", { detail: { phase, timer } }));
  }

  /** Where on the bar the warnings begin. */
  #zones(timer) {
    const { warn, danger } = thresholds(timer);
    const [from, then] = [warn, danger].map((left) => `${100 - (100 * left) / Math.max(1, timer.duration + timer.addedMs)}%`);
    if (this.#shown.zones === from + then) return;
    this.#shown.zones = from + then;
    this.parts.progress.style.setProperty("--warn-from", from);
    this.parts.progress.style.setProperty("--danger-from", then);
  }

  #progress(progress) {
    const rounded = Math.round(progress * 1000) / 1000;
    if (this.#shown.progress === rounded) return;
    this.#shown.progress = rounded;
    this.parts.progress.value = rounded;
  }
}

/* What a timer beside the one in front says: what is left of it, or by how much it runs over. */
function besideOf(timer, timers, now) {
  const over = countsOn(timer, timers) ? overrun(timer, timers, now) : undefined;
  if (over !== undefined) return { className: "over", textContent: `${timer.title} ${t("over", { time: format(over, { up: true }) })}` };
  return ["running", "paused"].includes(timer.state) && { textContent: `${timer.title} ${format(countdown(timer, now).ms)}` };
}

function leadOfPage() {
  return Number(document.querySelector("script[data-lead]")?.dataset.lead ?? 0);
}

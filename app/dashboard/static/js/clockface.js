/** The big clock of a page: one loop on the screen's own beat, which touches the document only where something changed. */
import { countdown, format, thresholds } from "../client/countdown.js";
import { countsOn, overrun } from "../client/front.js";
import { locale, t } from "./texts.js";

const TENTHS_BELOW_MS = 60_000;
const LONGEST_LEAD_MS = 2_000;
const AROUND_EVERY_MS = 250;
const DAY_CLOCK = { hour: "2-digit", minute: "2-digit", second: "2-digit" };
const DAY_TIME = { hour: "2-digit", minute: "2-digit" };
const COUNTS_DOWN = ["running", "paused"];
const NO_TIMER = { state: "idle", duration: 0, addedMs: 0, warnMs: 0, dangerMs: 0 };
export const MODES = ["left", "up", "clock"];

export class Clockface {
  #shown = {};
  #last;
  #held;
  #heldUntil = 0;
  #aroundAt;
  #followers = [];

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

  /** Have `draw(now)` called with each reading of the clock that is drawn: what else counts on the page goes by it as well. */
  follow(draw) {
    this.#followers.push(draw);
  }

  /**
   * What a small clock of this page says of a timer at the reading `now`, second for second with the big one: by how much it ran
   * over, else what is left of it, whole seconds where the big clock goes on to tenths; nothing where it stands still.
   * @returns {{text: string, isOver: boolean}}
   */
  beside(timer, now) {
    const over = overrun(timer, this.room.store.room.timers, now);
    if (over !== undefined) return { text: t("over", { time: format(over, { up: true }) }), isOver: true };
    if (!COUNTS_DOWN.includes(timer.state)) return { text: "", isOver: false };
    const face = countdown(timer, now);
    return { text: format(face.ms, { tenths: this.#showsTenths(timer, face) }).split(".")[0], isOver: false };
  }

  /** Draw the timer in front as it is now, or that there is none. */
  draw() {
    const now = this.room.client.clock.now();
    const timer = this.#inFront(now) ?? NO_TIMER;
    if (this.mode === "clock") this.#digits(new Date(now).toLocaleTimeString(locale, DAY_CLOCK));
    const face = countdown(timer, now);
    this.#put("timer-title", timer.title ?? this.parts["timer-title"].dataset.none ?? this.room.store.room.name);
    this.#put("phase", face.paused ? t("phase.paused") : face.phase === "running" || timer === NO_TIMER ? "" : t(`phase.${face.phase}`));
    if (this.mode !== "clock") this.#digits(...this.#textOf(timer, face));
    this.#phase(face.phase, timer);
    this.#progress(face.progress);
    this.#zones(timer);
    for (const follow of this.#followers) follow(now);
    // A browser's first time of day takes it as long as a whole page's script: the digits come first.
    if (this.#aroundAt === undefined) return void (this.#aroundAt = 0);
    this.#others(timer, now);
    if (now - this.#aroundAt < AROUND_EVERY_MS) return;
    this.#aroundAt = now;
    this.#around(timer);
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
    if (timer === NO_TIMER) return ["–:––"];
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
    if (!others) return;
    const faces = counting(this.room.store.room.timers).filter(({ id }) => id !== current.id).map((timer) => this.#faceOf(timer, now));
    const shown = JSON.stringify(faces);
    if (this.#shown.others === shown) return;
    this.#shown.others = shown;
    others.hidden = !faces.length;
    others.replaceChildren(...faces.map((face) => Object.assign(document.createElement("li"), face)));
  }

  #faceOf(timer, now) {
    const { text, isOver } = this.beside(timer, now);
    return { className: isOver ? "over" : "", textContent: `${timer.title} ${text}` };
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

/**
 * The timers that run, are paused or run over: what there is to draw from one moment to the next. Found once for each list: the
 * store makes a new one with each change.
 */
export function counting(timers) {
  if (!found.has(timers)) found.set(timers, timers.filter((timer) => COUNTS_DOWN.includes(timer.state) || countsOn(timer, timers)));
  return found.get(timers);
}
const found = new WeakMap();

function leadOfPage() {
  return Number(document.querySelector("script[data-lead]")?.dataset.lead ?? 0);
}

/** The big clock of a page: one loop on the screen's own beat, which touches the document only where something changed. */
import { countdown, format } from "../client/countdown.js";
import { locale, t } from "./texts.js";

const TENTHS_BELOW_MS = 60_000;
const LONGEST_LEAD_MS = 2_000;
const OTHERS_EVERY_MS = 250;
const DAY_CLOCK = { hour: "2-digit", minute: "2-digit", second: "2-digit" };
export const MODES = ["left", "up", "clock"];

export class Clockface {
  #shown = {};
  #last;
  #held;
  #heldUntil = 0;
  #othersAt = 0;

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
      ["clock", "timer-title", "digits", "phase", "progress", "others"].map((id) => [id, document.getElementById(id)]),
    );
    for (const name of ["timer-update", "timer-finished"]) room.addEventListener(name, ({ detail }) => this.#hold(detail));
    this.tick = this.tick.bind(this);
    requestAnimationFrame(this.tick);
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
    this.#phase(face.phase);
    this.#progress(face.progress);
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

  /** The timers that run beside the one in front. */
  #others(current, now) {
    const { others } = this.parts;
    if (!others || now - this.#othersAt < OTHERS_EVERY_MS) return;
    this.#othersAt = now;
    const active = this.room.store.room.timers.filter(({ id, state }) => id !== current.id && ["running", "paused"].includes(state));
    const texts = active.map((timer) => `${timer.title} ${format(countdown(timer, now).ms)}`);
    if (this.#shown.others === texts.join("\n")) return;
    this.#shown.others = texts.join("\n");
    others.hidden = !texts.length;
    others.replaceChildren(...texts.map((text) => Object.assign(document.createElement("li"), { textContent: text })));
  }

  #put(part, text) {
    if (this.#shown[part] === text) return;
    this.#shown[part] = text;
    this.parts[part].textContent = text;
  }

  #phase(phase) {
    if (this.#shown.state === phase) return;
    this.#shown.state = phase;
    this.parts.clock.dataset.phase = phase;
    document.body.dataset.phase = phase;
    document.dispatchEvent(new CustomEvent("phase", { detail: phase }));
  }

  #progress(progress) {
    const rounded = Math.round(progress * 1000) / 1000;
    if (this.#shown.progress === rounded) return;
    this.#shown.progress = rounded;
    this.parts.progress.value = rounded;
  }
}

function leadOfPage() {
  return Number(document.querySelector("script[data-lead]")?.dataset.lead ?? 0);
}

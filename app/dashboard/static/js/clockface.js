/** The big clock of a page: one loop on the screen's own beat, which touches the document only where something changed. */
import { countdown, format } from "../client/index.js";

const PHASE_TEXT = {
  idle: "Ready",
  running: "",
  warn: "Nearly over",
  danger: "Last seconds",
  finished: "Time is up",
  overtime: "Over time",
};
const TENTHS_BELOW_MS = 60_000;

export class Clockface {
  #shown = {};

  /** @param {import("../client/index.js").Room} room @param {{tenths?: "auto"|"always"|"never"}} [options] */
  constructor(room, { tenths = "auto" } = {}) {
    this.room = room;
    this.tenths = tenths;
    this.parts = Object.fromEntries(
      ["clock", "timer-title", "digits", "phase", "progress"].map((id) => [id, document.getElementById(id)]),
    );
    this.tick = this.tick.bind(this);
    requestAnimationFrame(this.tick);
  }

  tick() {
    this.draw();
    requestAnimationFrame(this.tick);
  }

  /** Draw the current timer as it is now; also called by tests. */
  draw() {
    const timer = this.room.store.current();
    if (!timer) return;
    const now = this.room.client.clock.now();
    const face = countdown(timer, now);
    const up = face.phase === "overtime";
    const [whole, tenth] = format(face.ms, { tenths: this.#showsTenths(timer, face), up }).split(".");
    this.#put("timer-title", timer.title);
    this.#put("phase", face.paused ? "Paused" : PHASE_TEXT[face.phase]);
    this.#digits((up ? "+" : "") + whole, tenth);
    this.#phase(face.phase);
    this.#progress(face.progress);
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

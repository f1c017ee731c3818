/** A tone at the warning and at zero; off until somebody touches the button, as browsers want it, and people too. */
const TONES = { warn: 660, zero: 440 };
const LENGTH_S = 0.35;

export class Sound {
  #audio;
  /* What has had its moment, heard or not: the clock reaches zero by itself, and the server's word of it may be seconds late. */
  #passed = new Set();

  /** @param {import("../client/index.js").Room} room @param {HTMLButtonElement} button turns it on and off */
  constructor(room, button) {
    button.addEventListener("click", () => {
      this.#audio = this.#audio ? void this.#audio.close() : new AudioContext();
      button.setAttribute("aria-pressed", String(Boolean(this.#audio)));
    });
    document.addEventListener("phase", ({ detail: { phase, timer } }) => {
      if (phase === "warn") this.#once("warn", timer);
      if (["finished", "overtime"].includes(phase)) this.#once("zero", timer);
    });
    // A timer that starts the next one at its end never looks finished.
    room.addEventListener("timer-finished", ({ detail }) => this.#once("zero", detail));
  }

  /* One end, one tone; a minute more makes another end. */
  #once(kind, timer) {
    const moment = [kind, timer.id, timer.finishedAt ?? timer.endTimestamp].join(" ");
    if (this.#passed.has(moment)) return;
    this.#passed.add(moment);
    if (this.#audio) this.#play(kind);
  }

  /** @param {"warn"|"zero"} kind */
  #play(kind) {
    const tone = this.#audio.createOscillator();
    tone.frequency.value = TONES[kind];
    tone.connect(this.#audio.destination);
    tone.start();
    tone.stop(this.#audio.currentTime + LENGTH_S);
  }
}

/** A tone at the warning and at zero; off until somebody touches the button, as browsers want it, and people too. */
const TONES = { warn: 660, zero: 440 };
const LENGTH_S = 0.35;
const ONCE_PER_MS = 2_000;

export class Sound {
  #audio;
  #last = {};

  /** @param {import("../client/index.js").Room} room @param {HTMLButtonElement} button turns it on and off */
  constructor(room, button) {
    button.addEventListener("click", () => {
      this.#audio = this.#audio ? void this.#audio.close() : new AudioContext();
      button.setAttribute("aria-pressed", String(Boolean(this.#audio)));
    });
    document.addEventListener("phase", ({ detail }) => {
      if (detail === "warn") this.play("warn");
      if (["finished", "overtime"].includes(detail)) this.play("zero");
    });
    // A timer that starts the next one at its end never looks finished.
    room.addEventListener("timer-finished", () => this.play("zero"));
  }

  /** @param {"warn"|"zero"} kind */
  play(kind) {
    const now = performance.now();
    if (!this.#audio || now - (this.#last[kind] ?? -ONCE_PER_MS) < ONCE_PER_MS) return;
    this.#last[kind] = now;
    const tone = this.#audio.createOscillator();
    tone.frequency.value = TONES[kind];
    tone.connect(this.#audio.destination);
    tone.start();
    tone.stop(this.#audio.currentTime + LENGTH_S);
  }
}

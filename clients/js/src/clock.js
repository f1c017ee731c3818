/**
 * The server's clock, as seen from here.
 *
 * Each sample is a question and its answer: the server's instant lies between the two, so half the round trip bounds the error.
 * The sample with the shortest round trip of the last few is the one believed. Time runs on the monotonic clock, so that a person
 * who sets their watch moves nothing; a device that slept is noticed by the two clocks drifting apart.
 */
const KEPT_SAMPLES = 8;
const SLEPT_MS = 500;

export class Clock {
  #samples = [];
  #drift;

  /** @param {{monotonic?: () => number, wall?: () => number}} [sources] in milliseconds; for tests */
  constructor({ monotonic = () => performance.now(), wall = () => Date.now() } = {}) {
    this.monotonic = monotonic;
    this.wall = wall;
    this.#drift = wall() - monotonic();
  }

  /** Milliseconds since 1970 on the server's clock; this device's own clock until the first sample. */
  now() {
    const best = this.best;
    return best ? this.monotonic() + best.offset : this.wall();
  }

  /** The sample that is believed: `{offset, roundTrip}` in milliseconds, or undefined. */
  get best() {
    return this.#samples.reduce(
      (best, sample) => (best && best.roundTrip <= sample.roundTrip ? best : sample),
      undefined,
    );
  }

  /**
   * Take in an answer.
   * @param {number} askedAt `monotonic()` when the question left
   * @param {string|number} serverNow the instant in the answer, ISO 8601 or milliseconds since 1970
   * @param {number} [answeredAt] `monotonic()` when the answer came
   */
  sample(askedAt, serverNow, answeredAt = this.monotonic()) {
    const roundTrip = answeredAt - askedAt;
    const server = typeof serverNow === "number" ? serverNow : Date.parse(serverNow);
    this.#samples.push({ roundTrip, offset: server + roundTrip / 2 - answeredAt });
    if (this.#samples.length > KEPT_SAMPLES) this.#samples.shift();
  }

  /** Whether the device slept since the last call; if so the old samples are forgotten: take new ones. */
  slept() {
    const drift = this.wall() - this.monotonic();
    const jumped = Math.abs(drift - this.#drift) > SLEPT_MS;
    this.#drift = drift;
    if (jumped) this.#samples = [];
    return jumped;
  }
}

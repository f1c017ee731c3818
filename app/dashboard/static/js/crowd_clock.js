/**
 * The server's clock out of answers that a cache may have kept for a while.
 *
 * An answer was made at `X-Server-Now`, so when it is here it is at least that late: a bound from below, tight when the answer is
 * fresh. The cache's own `Date` (plus `Age`, where it only passed one on) cuts off fractions, so that it is less than a second
 * later: a bound from above. Answers come at all phases of the second: both bounds close in, and the middle is believed. Where
 * they contradict each other the server is right.
 */
const KEPT_ANSWERS = 30;
const SECOND_MS = 1_000;

export class CrowdClock {
  #answers = [];
  #drift;

  /** @param {{monotonic?: () => number, wall?: () => number}} [sources] in milliseconds; for tests */
  constructor({ monotonic = () => performance.now(), wall = () => Date.now() } = {}) {
    this.monotonic = monotonic;
    this.wall = wall;
    this.#drift = wall() - monotonic();
  }

  /** Milliseconds since 1970 on the server's clock; this device's own until the first answer. */
  now() {
    return this.#answers.length ? this.monotonic() + this.offset : this.wall();
  }

  get offset() {
    const low = Math.max(...this.#answers.map((answer) => answer.low));
    const high = Math.min(...this.#answers.map((answer) => answer.high));
    return high > low ? (low + high) / 2 : low;
  }

  /**
   * Take in an answer.
   * @param {number} askedAt `monotonic()` when the question left
   * @param {Headers} headers of the answer
   * @param {number} [answeredAt] `monotonic()` when the answer came
   */
  sample(askedAt, headers, answeredAt = this.monotonic()) {
    const made = Date.parse(headers.get("X-Server-Now"));
    if (Number.isNaN(made)) return;
    const age = headers.get("Age");
    const date = Date.parse(headers.get("Date")) + Number(age ?? 0) * SECOND_MS;
    const cut = (age === null ? 1 : 2) * SECOND_MS;
    this.#answers.push({ low: made - answeredAt, high: Number.isNaN(date) ? Infinity : date + cut - askedAt });
    if (this.#answers.length > KEPT_ANSWERS) this.#answers.shift();
  }

  /** Whether the device slept since the last call; if so what is known is forgotten. */
  slept() {
    const drift = this.wall() - this.monotonic();
    const jumped = Math.abs(drift - this.#drift) > SECOND_MS / 2;
    this.#drift = drift;
    if (jumped) this.#answers = [];
    return jumped;
  }
}

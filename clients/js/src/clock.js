/**
 * The server's clock, as seen from here.
 *
 * Each sample is a question and its answer: the server's instant lies between the two, so a sample says in which interval the offset
 * lies. What all of them agree on is far narrower than the best of them where the ways there and back jitter; its middle is believed
 * (Marzullo, "Maintaining the Time in a Distributed System", 1984). One that contradicts those with shorter ways is left out. Time
 * runs on the monotonic clock, so that a person who sets their watch moves nothing; a device that slept is noticed by the two clocks
 * drifting apart.
 */
const KEPT_SAMPLES = 8;
const SLEPT_MS = 500;

export class Clock {
  #samples = [];
  #best;
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

  /** What is believed: `{offset, error, roundTrip}` in milliseconds (`error` is its bound either way), or undefined. */
  get best() {
    return this.#best;
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
    this.#samples.push({ roundTrip, low: server - answeredAt, high: server - askedAt });
    if (this.#samples.length > KEPT_SAMPLES) this.#samples.shift();
    this.#best = agreement(this.#samples);
  }

  /** Whether the device slept since the last call; if so the old samples are forgotten: take new ones. */
  slept() {
    const drift = this.wall() - this.monotonic();
    const jumped = Math.abs(drift - this.#drift) > SLEPT_MS;
    this.#drift = drift;
    if (jumped) [this.#samples, this.#best] = [[], undefined];
    return jumped;
  }
}

function agreement(samples) {
  const [first, ...others] = [...samples].sort((a, b) => a.roundTrip - b.roundTrip);
  let { low, high } = first;
  for (const other of others) {
    if (other.low > high || other.high < low) continue;
    [low, high] = [Math.max(low, other.low), Math.min(high, other.high)];
  }
  return { offset: (low + high) / 2, error: (high - low) / 2, roundTrip: first.roundTrip };
}

/** What a timer shows at an instant. Pure: the same timer and instant always give the same answer. */

/**
 * @param {object} timer a timer as the server sends it
 * @param {number} nowMs the server's clock (`Clock.now()`)
 * @returns {{ms: number, phase: "idle"|"running"|"warn"|"danger"|"finished"|"overtime", paused: boolean, progress: number}}
 *   `ms`: left, or in overtime passed since the end; `progress`: the part of the whole that is over, 0 to 1
 */
export function countdown(timer, nowMs) {
  const whole = Math.max(1, timer.duration + timer.addedMs);
  const left = remaining(timer, nowMs);
  if (timer.state === "finished" || (timer.state === "running" && left <= 0)) return finished(timer, nowMs);
  const progress = Math.min(1, Math.max(0, 1 - left / whole));
  const paused = timer.state === "paused";
  if (timer.state === "idle") return { ms: left, phase: "idle", paused, progress: 0 };
  return { ms: left, phase: phaseOf(timer, left), paused, progress };
}

/**
 * With how much left a timer is nearly over, and in its last seconds, in ms: as its host set it, but never before half of its time,
 * and the last quarter, have come. A minute's timer with the usual `warnMs` of a minute would warn from its first second.
 */
export function thresholds({ duration, addedMs, warnMs, dangerMs }) {
  const whole = duration + addedMs;
  return { warn: Math.min(warnMs, whole / 2), danger: Math.min(dangerMs, whole / 4) };
}

/** Milliseconds left, never below zero. */
export function remaining(timer, nowMs) {
  if (timer.state === "running") return Math.max(0, Date.parse(timer.endTimestamp) - nowMs);
  if (timer.state === "finished") return 0;
  return timer.remainingMs ?? timer.duration + timer.addedMs;
}

/**
 * `1:05:09`, `5:09`, and with tenths `5:09.4`. Counting down, a second is shown until it is over (rounded up), so that zero
 * means zero; counting up, it is shown once it is over.
 * @param {number} ms
 * @param {{tenths?: boolean, up?: boolean}} [how]
 */
export function format(ms, { tenths = false, up = false } = {}) {
  const unit = tenths ? 100 : 1000;
  const units = up ? Math.floor(ms / unit) : Math.ceil(ms / unit);
  const seconds = Math.floor((units * unit) / 1000);
  const parts = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60];
  if (parts[0] === 0) parts.shift();
  const text = parts.map((part, index) => (index ? String(part).padStart(2, "0") : String(part))).join(":");
  return tenths ? `${text}.${units % 10}` : text;
}

/** The planned length and, apart, what was given or taken: `25:00 +1:00`. */
export function lengthText({ duration, addedMs }) {
  const given = addedMs && ` ${addedMs > 0 ? "+" : "−"}${format(Math.abs(addedMs))}`;
  return format(duration) + (given || "");
}

function finished(timer, nowMs) {
  if (timer.onFinish !== "overtime") return { ms: 0, phase: "finished", paused: false, progress: 1 };
  const end = Date.parse(timer.finishedAt ?? timer.endTimestamp);
  return { ms: Math.max(0, nowMs - end), phase: "overtime", paused: false, progress: 1 };
}

function phaseOf(timer, left) {
  const { warn, danger } = thresholds(timer);
  if (left <= danger) return "danger";
  return left <= warn ? "warn" : "running";
}

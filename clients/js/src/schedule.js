/** The plan against what happens. Pure: the same timers, plan and instant always give the same answer. */

const MINUTE_MS = 60_000;
const ANOTHER_DAY_MIN = 720;

/**
 * How much later than planned each timer began or, if it has not begun, will begin.
 *
 * What has not begun follows the end of the one before it, and never begins in the past, nor before its planned time: a pause
 * in the plan takes up what was lost.
 * @param {object[]} timers in their order
 * @param {Map<string, number>} planned when each should begin, by id, in ms since 1970
 * @param {number} nowMs the server's clock
 * @returns {Map<string, number>} ms by id, for those with a plan; nothing before the first has begun
 */
export function schedule(timers, planned, nowMs) {
  const drifts = new Map();
  if (!timers.some(({ startTimestamp }) => startTimestamp)) return drifts;
  let free;
  for (const timer of timers) {
    const plan = planned.get(timer.id);
    const begins = timer.startTimestamp ? Date.parse(timer.startTimestamp) : expected(plan, free, nowMs);
    if (plan !== undefined && begins !== undefined) drifts.set(timer.id, begins - plan);
    if (begins !== undefined) free = endOf(timer, begins, nowMs);
  }
  return drifts;
}

/** `+3 min`, `−1 min`, or nothing: below half a minute it is none, above half a day it is another day's plan. */
export function driftText(driftMs) {
  const minutes = Math.round((driftMs ?? 0) / MINUTE_MS);
  if (!minutes || Math.abs(minutes) > ANOTHER_DAY_MIN) return "";
  return `${minutes > 0 ? "+" : "−"}${Math.abs(minutes)} min`;
}

function expected(plan, free, nowMs) {
  if (free === undefined) return undefined;
  return Math.max(free, plan ?? free, nowMs);
}

function endOf(timer, begins, nowMs) {
  if (timer.finishedAt) return Date.parse(timer.finishedAt);
  if (timer.state === "running") return Math.max(nowMs, Date.parse(timer.endTimestamp));
  if (timer.state === "paused") return nowMs + timer.remainingMs;
  return begins + timer.duration + timer.addedMs;
}

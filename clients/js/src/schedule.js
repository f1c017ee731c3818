/** The plan against what happens. Pure: the same timers, plan and instant always give the same answer. */

const MINUTE_MS = 60_000;
const ANOTHER_DAY_MIN = 720;
const NIGHT_MS = 6 * 60 * MINUTE_MS;

/**
 * When each timer should begin: by the programme or its alarm, else at the end of the one before it.
 * @param {object[]} timers in their order
 * @returns {Map<string, number>} ms since 1970 by id; nothing of those before the first that has a time
 */
export function plan(timers) {
  const planned = new Map();
  let follows;
  for (const { id, plannedAt, startsAt, duration } of timers) {
    const at = plannedAt ?? startsAt;
    follows = at ? Date.parse(at) : follows;
    if (follows === undefined) continue;
    planned.set(id, follows);
    follows += duration;
  }
  return planned;
}

/**
 * How much later than planned each timer began or, if it has not begun, will begin.
 *
 * What has not begun follows the end of the one before it, and never begins in the past, nor before its planned time: a pause
 * in the plan takes up what was lost.
 * @param {object[]} timers in their order
 * @param {Map<string, number>} planned of `plan`
 * @param {number} nowMs the server's clock
 * @returns {Map<string, number>} ms by id, for those with a plan; nothing before the first has begun
 */
export function schedule(timers, planned, nowMs) {
  const drifts = new Map();
  if (!haveBegun(timers)) return drifts;
  for (const [id, { begins }] of forecast(timers, planned, nowMs)) if (planned.has(id)) drifts.set(id, begins - planned.get(id));
  return drifts;
}

/**
 * How late the show is at this timer: one that runs over is as late as its end is by now, however early it began.
 * @param {Map<string, number>} planned of `plan` @param {Map<string, number>} drifts of `schedule`
 * @returns {number | undefined} ms; nothing without a plan
 */
export function lateness(timer, planned, drifts, nowMs) {
  const drift = drifts.get(timer?.id);
  if (drift === undefined || timer.state !== "finished" || timer.onFinish !== "overtime") return drift;
  return Math.max(drift, nowMs - planned.get(timer.id) - timer.duration);
}

/**
 * When each timer began and ended or, as things are, will: with a plan or without. Before anything has begun that is the plan, and
 * the lengths of what follows; afterwards as in `schedule`.
 * @returns {Map<string, {begins: number, ends: number}>} ms since 1970 by id; nothing of those before the first that is known of
 */
export function forecast(timers, planned, nowMs) {
  const times = new Map();
  const isOn = haveBegun(timers);
  let free;
  for (const timer of timers) {
    const plan = planned.get(timer.id);
    const ahead = isOn ? expected(plan, free, nowMs) : (plan ?? free);
    const begins = timer.startTimestamp ? Date.parse(timer.startTimestamp) : ahead;
    if (begins === undefined) continue;
    free = endOf(timer, begins, nowMs);
    times.set(timer.id, { begins, ends: free });
  }
  return times;
}

/**
 * When the day on which the next timer begins is over: the end of the last one that has no night before it. A day may go on past midnight.
 * @param {Map<string, {begins: number, ends: number}>} times of `forecast`
 * @returns {number | undefined} ms since 1970; nothing where none is to come
 */
export function endOfDay(timers, times) {
  let over;
  for (const { id, state } of timers) {
    if (state === "finished" || !times.has(id)) continue;
    const { begins, ends } = times.get(id);
    if (begins - over >= NIGHT_MS) break;
    over = Math.max(over ?? ends, ends);
  }
  return over;
}

/** `+3 min`, `−1 min`, or nothing: below half a minute it is none, above half a day it is another day's plan. */
export function driftText(driftMs) {
  const minutes = Math.round((driftMs ?? 0) / MINUTE_MS);
  if (!minutes || Math.abs(minutes) > ANOTHER_DAY_MIN) return "";
  return `${minutes > 0 ? "+" : "−"}${Math.abs(minutes)} min`;
}

function haveBegun(timers) {
  return timers.some(({ startTimestamp }) => startTimestamp);
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

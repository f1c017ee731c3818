/** Which of a room's timers is in front, and by how much one runs over. Pure: the same timers and instant always give the same answer. */

/**
 * The timer that every screen shows big: the running one that began last, else the paused one, else the one that ended, else the
 * first. One that runs over stays in front of those that began before it, until another one begins or goes on.
 * @param {object[]} timers of a room, in their order
 */
export function front(timers) {
  const last = (which) => timers.filter(which).reduce((one, other) => (one && begun(one) >= begun(other) ? one : other), undefined);
  const lastIn = (state) => last((timer) => timer.state === state);
  const usual = lastIn("running") ?? lastIn("paused") ?? lastIn("finished") ?? timers[0];
  const over = last((timer) => timer.state === "finished" && countsOn(timer, timers));
  return over && !isLater(usual, over) ? over : usual;
}

/**
 * By how much a timer has run over, in ms; undefined where its time is not up, was cut short, or what is over does not count.
 * It counts from its end until another timer begins: whoever was on has left by then.
 */
export function overrun(timer, timers, nowMs) {
  const end = endOf(timer);
  if (!(end <= nowMs)) return undefined;
  const ms = Math.min(nowMs, followedAt(timer, timers, end)) - end;
  return ms > 0 || countsOn(timer, timers) ? ms : undefined;
}

/** Whether what it is over goes on growing. */
export function countsOn(timer, timers) {
  const end = endOf(timer);
  return end <= Infinity && followedAt(timer, timers, end) === Infinity;
}

/** When its time is up, where what comes after it counts; else NaN. */
function endOf({ state, onFinish, startTimestamp, endTimestamp, finishedAt, duration, addedMs }) {
  const end = Date.parse((state === "finished" && finishedAt) || (state === "running" && endTimestamp));
  return onFinish === "overtime" && end - Date.parse(startTimestamp) >= duration + addedMs ? end : NaN;
}

/** When the first of the others began after `end`; never: Infinity. */
function followedAt(timer, timers, end) {
  return Math.min(...timers.filter(({ id }) => id !== timer.id).map(begun).filter((at) => at >= end));
}

/* That a timer went on after a pause is told by the instant of its last change alone. */
function isLater(timer, over) {
  return begun(timer) > begun(over) || (timer.state === "running" && timer.updatedAt >= over.finishedAt);
}

function begun({ startTimestamp }) {
  return startTimestamp ? Date.parse(startTimestamp) : -Infinity;
}

import assert from "node:assert/strict";
import { test } from "node:test";
import { driftText, endOfDay, forecast, lateness, plan as planOf, schedule } from "../src/schedule.js";

const MINUTE = 60_000;
const T0 = Date.parse("2030-01-01T10:00:00Z");
const at = (minutes) => new Date(T0 + minutes * MINUTE).toISOString();
const timer = (id, minutes, changes = {}) => ({ id, duration: minutes * MINUTE, addedMs: 0, state: "idle", startTimestamp: null, ...changes });
const plan = (...minutes) => new Map(minutes.map((minute, index) => ["abc"[index], T0 + minute * MINUTE]));

test("nothing drifts before anything has begun", () => {
  assert.equal(schedule([timer("a", 10)], plan(0), T0 + 60 * MINUTE).size, 0);
});

test("a late start moves what follows, until a pause in the plan takes it up", () => {
  const first = timer("a", 10, { state: "running", startTimestamp: at(4), endTimestamp: at(14) });
  const drifts = schedule([first, timer("b", 10), timer("c", 10)], plan(0, 10, 30), T0 + 5 * MINUTE);
  assert.deepEqual([...drifts.values()].map((ms) => ms / MINUTE), [4, 4, 0]);
});

test("overtime and a pause push what follows on", () => {
  const over = timer("a", 10, { state: "running", startTimestamp: at(0), endTimestamp: at(10) });
  assert.equal(schedule([over, timer("b", 10)], plan(0, 10), T0 + 17 * MINUTE).get("b"), 7 * MINUTE);
  const paused = timer("a", 10, { state: "paused", startTimestamp: at(0), remainingMs: 5 * MINUTE });
  assert.equal(schedule([paused, timer("b", 10)], plan(0, 10), T0 + 8 * MINUTE).get("b"), 3 * MINUTE);
});

test("what finished early lets the next begin on time, not before", () => {
  const done = timer("a", 10, { state: "finished", startTimestamp: at(0), finishedAt: at(6) });
  assert.equal(schedule([done, timer("b", 10)], plan(0, 10), T0 + 7 * MINUTE).get("b"), 0);
});

test("drift is said in minutes, or not at all", () => {
  assert.deepEqual([29_000, 180_000, -60_000, 86_400_000, undefined].map(driftText), ["", "+3 min", "−1 min", "", ""]);
});

const minutes = (times) => [...times].map(([id, { begins, ends }]) => [id, (begins - T0) / MINUTE, (ends - T0) / MINUTE]);

test("without a plan what follows the running one is expected by the lengths", () => {
  const first = timer("a", 10, { state: "running", startTimestamp: at(4), endTimestamp: at(16), addedMs: 2 * MINUTE });
  const times = forecast([timer("z", 5), first, timer("b", 20), timer("c", 5)], new Map(), T0 + 5 * MINUTE);
  assert.deepEqual(minutes(times), [["a", 4, 16], ["b", 16, 36], ["c", 36, 41]]);
  assert.equal(forecast([timer("a", 10), timer("b", 10)], new Map(), T0).size, 0);
});

test("before anything has begun the plan is expected, and what follows it", () => {
  const times = forecast([timer("a", 10), timer("b", 20), timer("c", 5)], plan(30), T0);
  assert.deepEqual(minutes(times), [["a", 30, 40], ["b", 40, 60], ["c", 60, 65]]);
});

test("a day goes on past midnight, and is over before a night", () => {
  const late = Date.parse("2029-12-31T23:50:00") - T0;
  const timers = [timer("a", 10), timer("b", 20), timer("c", 30)];
  const ends = (...minutes) => (endOfDay(timers, forecast(timers, plan(...minutes), 0)) - T0 - late) / MINUTE;
  const begin = late / MINUTE;
  assert.equal(ends(begin), 60);
  assert.equal(ends(begin, begin + 60, begin + 300), 330);
  assert.equal(ends(begin, begin + 10, begin + 9 * 60), 30);
});

test("a day without anything to come has no end", () => {
  const done = timer("a", 10, { state: "finished", startTimestamp: at(0), finishedAt: at(6) });
  assert.equal(endOfDay([done], forecast([done], new Map(), T0)), undefined);
  assert.equal(endOfDay([timer("a", 10)], new Map()), undefined);
});

test("A plan is what the programme says, or the alarm, and goes on from there.", () => {
  const timers = [timer("z", 5), timer("a", 10, { plannedAt: at(0), startsAt: at(3) }), timer("b", 10), timer("c", 5, { startsAt: at(30) }), timer("d", 5)];
  const planned = [...planOf(timers)].map(([id, instant]) => [id, (instant - T0) / MINUTE]);
  assert.deepEqual(planned, [["a", 0], ["b", 10], ["c", 30], ["d", 35]]);
});

test("What runs over is as late as its end is, however early it began.", () => {
  const over = timer("a", 10, { state: "finished", onFinish: "overtime", startTimestamp: at(-1), finishedAt: at(9) });
  const late = (one) => lateness(one, plan(0), schedule([one], plan(0), T0 + 25 * MINUTE), T0 + 25 * MINUTE) / MINUTE;
  assert.equal(late(over), 15);
  assert.equal(late({ ...over, onFinish: "stop" }), -1);
  assert.equal(late({ ...over, state: "running", finishedAt: null, endTimestamp: at(30) }), -1);
});

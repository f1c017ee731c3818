import assert from "node:assert/strict";
import { test } from "node:test";
import { countdown, format, lengthText, thresholds } from "../src/countdown.js";

const NOW = Date.parse("2030-01-01T10:00:00.000Z");
const at = (ms) => new Date(NOW + ms).toISOString();
const timer = (changes) => ({
  duration: 600_000,
  addedMs: 0,
  state: "idle",
  remainingMs: 600_000,
  endTimestamp: null,
  warnMs: 60_000,
  dangerMs: 15_000,
  onFinish: "stop",
  ...changes,
});
const running = (leftMs, changes) => timer({ state: "running", remainingMs: null, endTimestamp: at(leftMs), ...changes });

test("an idle timer shows what a start would give", () => {
  assert.deepEqual(countdown(timer({ remainingMs: 660_000, addedMs: 60_000 }), NOW), { ms: 660_000, phase: "idle", paused: false, progress: 0 });
});

test("a running timer goes through its phases by what is left", () => {
  const phases = [60_001, 60_000, 15_001, 15_000, 1, 0, -5].map((left) => countdown(running(left), NOW).phase);
  assert.deepEqual(phases, ["running", "warn", "warn", "danger", "danger", "finished", "finished"]);
});

test("a paused timer keeps what is left and its phase", () => {
  const face = countdown(timer({ state: "paused", remainingMs: 30_000 }), NOW + 99_999);
  assert.deepEqual([face.ms, face.phase, face.paused], [30_000, "warn", true]);
});

test("overtime counts up from the end, before the server has said so and after", () => {
  assert.deepEqual(countdown(running(-2_500, { onFinish: "overtime" }), NOW).ms, 2_500);
  const finished = timer({ state: "finished", onFinish: "overtime", finishedAt: at(-61_000) });
  assert.deepEqual([countdown(finished, NOW).ms, countdown(finished, NOW).phase], [61_000, "overtime"]);
});

test("progress counts what was added", () => {
  assert.equal(countdown(running(600_000, { addedMs: 600_000 }), NOW).progress, 0.5);
});

test("a second is shown until it is over, and counting up once it is over", () => {
  assert.deepEqual([0, 1, 1000, 1001, 3_600_000].map((ms) => format(ms)), ["0:00", "0:01", "0:01", "0:02", "1:00:00"]);
  assert.deepEqual([0, 999, 1000].map((ms) => format(ms, { up: true })), ["0:00", "0:00", "0:01"]);
});

test("tenths agree with their second", () => {
  assert.deepEqual([1, 100, 999, 1000, 59_950].map((ms) => format(ms, { tenths: true })), ["0:00.1", "0:00.1", "0:01.0", "0:01.0", "1:00.0"]);
});

test("a short timer warns when half of its time has passed, and comes to its last seconds in the last quarter", () => {
  const phases = (whole, ...lefts) => lefts.map((left) => countdown(running(left, { duration: whole }), NOW).phase);
  assert.deepEqual(phases(60_000, 60_000, 30_001, 30_000, 15_001, 15_000), ["running", "running", "warn", "warn", "danger"]);
  assert.deepEqual(phases(20_000, 10_001, 10_000, 5_001, 5_000), ["running", "warn", "warn", "danger"]);
  assert.deepEqual(phases(120_000, 60_001, 60_000, 15_001), ["running", "warn", "warn"]);
});

test("what was given or taken makes the time longer or shorter for the warnings too", () => {
  assert.deepEqual(thresholds(timer({ addedMs: -540_000 })), { warn: 30_000, danger: 15_000 });
  assert.deepEqual(thresholds(timer({ duration: 60_000, addedMs: 540_000 })), { warn: 60_000, danger: 15_000 });
});

test("thresholds that a host set are kept", () => {
  assert.deepEqual(thresholds(timer({ warnMs: 300_000, dangerMs: 0 })), { warn: 300_000, danger: 0 });
});

test("a length is the planned one, and apart from it what was given or taken", () => {
  const lengths = [0, 60_000, -90_000].map((addedMs) => lengthText(timer({ addedMs })));
  assert.deepEqual(lengths, ["10:00", "10:00 +1:00", "10:00 −1:30"]);
});

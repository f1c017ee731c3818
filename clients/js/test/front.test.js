import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { front, overrun } from "../src/front.js";

/* The pages as they are sent and the Python client decide alike: their tests read these cases too. Times are seconds from now. */
const CASES = JSON.parse(readFileSync(new URL("front.cases.json", import.meta.url)));
const NOW = Date.parse("2030-01-01T10:00:00.000Z");
const at = (seconds) => (seconds === undefined ? null : new Date(NOW + seconds * 1000).toISOString());

const timerOf = ({ state = "idle", began, ended, updated, ...changes }, index) => ({
  id: String(index),
  state,
  onFinish: "stop",
  duration: 60_000,
  addedMs: 0,
  startTimestamp: at(began),
  endTimestamp: at(ended ?? (state === "running" ? 60 : undefined)),
  finishedAt: at(ended),
  updatedAt: at(updated ?? ended ?? began ?? -3600),
  ...changes,
});

for (const { says, timers: short, front: index, over = {} } of CASES) {
  test(says, () => {
    const timers = short.map(timerOf);
    assert.equal(front(timers), timers[index]);
    const runs = timers.map((timer) => overrun(timer, timers, NOW)).map((ms) => ms && ms / 1000);
    assert.deepEqual(runs, timers.map(({ id }) => over[id]));
  });
}

test("a running timer whose end has passed runs over before the server has said so", () => {
  const timer = timerOf({ state: "running", began: -70, ended: -10, onFinish: "overtime", finishedAt: null }, 0);
  assert.equal(overrun(timer, [timer], NOW), 10_000);
  assert.equal(overrun(timer, [timer], NOW - 11_000), undefined);
});

test("of no timers none is in front", () => assert.equal(front([]), undefined));

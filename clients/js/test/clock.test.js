import assert from "node:assert/strict";
import { test } from "node:test";
import { Clock } from "../src/clock.js";

function sources() {
  const time = { monotonic: 0, wall: 5_000 };
  return [time, new Clock({ monotonic: () => time.monotonic, wall: () => time.wall })];
}

test("before any sample it is this device's clock", () => {
  const [, clock] = sources();
  assert.equal(clock.now(), 5_000);
});

test("what the answers agree on is believed, and one that contradicts the shortest is not", () => {
  const [time, clock] = sources();
  clock.sample(0, 100_000, 400);
  clock.sample(1_000, 101_010, 1_020);
  clock.sample(2_000, 109_999, 2_900);
  time.monotonic = 3_000;
  assert.equal(clock.now(), 102_995);
  assert.deepEqual(clock.best, { offset: 99_995, error: 5, roundTrip: 20 });
});

test("ways that jitter cancel out: each direction's quickest counts", () => {
  const [, clock] = sources();
  for (const [asked, there, back] of [[0, 50, 150], [1_000, 150, 60], [2_000, 120, 110]]) {
    clock.sample(asked, 100_000 + asked + there, asked + there + back);
  }
  assert.ok(Math.abs(clock.best.offset - 100_000) <= 5, String(clock.best.offset));
});

test("somebody who sets their watch moves nothing", () => {
  const [time, clock] = sources();
  clock.sample(0, 100_000, 0);
  time.wall += 3_600_000;
  assert.equal(clock.now(), 100_000);
});

test("a device that slept is noticed once, and its samples are forgotten", () => {
  const [time, clock] = sources();
  clock.sample(0, 100_000, 0);
  time.wall += 60_000;
  assert.deepEqual([clock.slept(), clock.slept(), clock.best], [true, false, undefined]);
});

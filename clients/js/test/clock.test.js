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

test("the sample with the shortest way is believed, and half its way is the server's", () => {
  const [time, clock] = sources();
  clock.sample(0, 100_000, 400);
  clock.sample(1_000, 101_010, 1_020);
  clock.sample(2_000, 109_999, 2_900);
  time.monotonic = 3_000;
  assert.equal(clock.now(), 103_000);
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

import assert from "node:assert/strict";
import { after, test } from "node:test";
import { Clock } from "../src/clock.js";
import { Room } from "../src/room.js";

const rooms = [];
after(() => rooms.forEach((room) => room.close()));

const settled = () => new Promise((resolve) => setTimeout(resolve, 50));
const position = { epoch: "e", room: 1, chat: 1 };

/** A room that is known, over a connection that comes when `say("connect")` says so; its questions are held. */
async function following() {
  const events = {};
  const asked = [];
  const hold = (name, options) => new Promise((give, fail) => asked.push({ name, options, give, fail }));
  const client = {
    connected: false,
    clock: new Clock(),
    socket: { on: (name, action) => (events[name] = action), off: (name) => delete events[name], emit: () => {} },
    emit: hold,
    fetch: hold,
    post: async () => ({ ok: true }),
    syncClock: async () => {},
  };
  const room = new Room(client, "share");
  rooms.push(room);
  room.store.loadRoom({ id: "r", timers: [], stage: {}, position, userCount: 1 });
  await room.open();
  const say = (name, payload) => ((client.connected = true), events[name]?.(payload));
  return { room, asked, say };
}

test("a poll that fails after the connection has come does not make the room stale", async () => {
  const { room, asked, say } = await following();
  room.timerAction("t", "start");
  await settled();
  say("connect");
  const [poll, join] = asked;
  join.give({ ok: true, you: { role: "viewer", userId: null }, position });
  await settled();
  poll.fail(new TypeError("no network"));
  await settled();
  assert.deepEqual([poll.name, join.name, room.connection], ["/api/rooms/share", "join-room", "live"]);
});

test("who is taken out while they join again has left once, for the first reason", async () => {
  const { room, asked, say } = await following();
  const reasons = [];
  room.addEventListener("left", ({ detail }) => reasons.push(detail));
  say("connect");
  say("room-left", { roomId: "r", reason: "removed" });
  asked[0].give({ ok: false, error: { code: "room_not_found" } });
  await settled();
  assert.deepEqual([reasons, room.left], [["removed"], "removed"]);
});

test("a state that was cut off is asked for again, whole", async () => {
  const { room, asked } = await following();
  const polling = room.poll();
  asked[0].give(new Response("{", { headers: { ETag: "new" } }));
  await assert.rejects(polling);
  room.poll();
  assert.deepEqual(asked[1].options.headers, {});
});

import assert from "node:assert/strict";
import { test } from "node:test";
import { RoomStore } from "../src/store.js";

function loaded(position = { epoch: "e", room: 5, chat: 5 }) {
  let repairs = 0;
  const store = new RoomStore(() => (repairs += 1));
  store.load({ id: "r", timers: [], stage: {}, position, userCount: 1 });
  return { store, repairs: () => repairs };
}
const timer = (id, seq, position = 0) => ({ id, seq, position, roomId: "r" });
const said = (id, changeSeq, changes = {}) => ({ id, seq: changeSeq, changeSeq, roomId: "r", content: id, userId: "u", ...changes });

test("the next number is applied, an old one dropped", () => {
  const { store } = loaded();
  assert.equal(store.apply("timer-created", timer("a", 6)), true);
  assert.equal(store.apply("timer-deleted", { timerId: "a", seq: 6 }), false);
  assert.deepEqual(store.room.timers.map(({ id }) => id), ["a"]);
});

test("a jump asks once for a repair, and what lies beyond waits for it", () => {
  const { store, repairs } = loaded();
  store.apply("timer-created", timer("b", 8, 1));
  store.apply("timer-created", timer("c", 9, 2));
  assert.deepEqual([repairs(), store.room.timers.length], [1, 0]);
  store.settle({ epoch: "e", room: 7, chat: 5 });
  assert.deepEqual(store.room.timers.map(({ id }) => id), ["b", "c"]);
});

test("a state that came without messages does not claim that they are known", () => {
  const { store } = loaded();
  store.loadRoom({ id: "r", timers: [], position: { epoch: "e", room: 9, chat: 40 }, userCount: 2 });
  assert.deepEqual(store.position, { epoch: "e", room: 9, chat: 5 });
  store.loadRoom({ id: "r", timers: [], position: { epoch: "new", room: 1, chat: 1 }, userCount: 2 });
  assert.equal(store.position, null);
});

test("a state that was overtaken on its way changes nothing", () => {
  const { store, repairs } = loaded();
  const late = { id: "r", timers: [], stage: {}, position: { epoch: "e", room: 5, chat: 5 }, userCount: 2 };
  store.apply("timer-created", timer("a", 6));
  store.loadRoom(late);
  store.apply("timer-created", timer("b", 7, 1));
  assert.deepEqual([store.room.timers.map(({ id }) => id), repairs()], [["a", "b"], 0]);
  const polled = new RoomStore(() => {});
  polled.loadRoom({ ...late, timers: [timer("a", 6)], position: { epoch: "e", room: 6, chat: 5 } });
  polled.loadRoom(late);
  assert.deepEqual(polled.room.timers.map(({ id }) => id), ["a"]);
});

test("a message that is known by its client's id is replaced, not doubled", () => {
  const { store } = loaded();
  store.putMessage(said("m", 6, { clientMessageId: "c" }));
  store.apply("message-received", said("m", 6, { clientMessageId: "c" }));
  store.apply("message-edited", said("m", 7, { content: "new" }));
  store.putMessage(said("m", 6, { content: "late" }));
  assert.deepEqual(store.messages.map(({ content }) => content), ["new"]);
});

test("older pages go before, without what is known", () => {
  const { store } = loaded();
  store.putMessage(said("c", 6));
  store.prepend([said("a", 1), said("b", 2), said("c", 6)]);
  assert.deepEqual(store.messages.map(({ id }) => id), ["a", "b", "c"]);
});

test("a message that was changed before its page came is in its place", () => {
  const { store } = loaded();
  store.putMessage(said("d", 5, { seq: 4 }));
  store.apply("message-edited", said("b", 6, { seq: 2 }));
  store.prepend([said("a", 1), said("b", 2), said("c", 3)]);
  assert.deepEqual(store.messages.map(({ id, changeSeq }) => [id, changeSeq]), [["a", 1], ["b", 6], ["c", 3], ["d", 5]]);
});

test("a deleted message keeps its place without its text and its file", () => {
  const { store } = loaded();
  store.putMessage(said("a", 5, { attachment: { id: "f" } }));
  store.apply("message-deleted", { messageId: "a", changeSeq: 6 });
  assert.deepEqual([store.messages[0].content, store.messages[0].attachment], ["", null]);
  assert.ok(store.messages[0].deletedAt);
});

test("in front is what runs, else what is paused, else what is over, else the first; then comes the next idle one", () => {
  const { store } = loaded();
  const timers = ["a", "b", "c"].map((id, position) => ({ ...timer(id, 0, position), state: "idle", startTimestamp: null }));
  const front = (...states) => {
    const room = timers.map((one, at) => ({ ...one, state: states[at] ?? "idle", startTimestamp: states[at] ? `2030-01-01T10:0${at}:00.000Z` : null }));
    store.loadRoom({ id: "r", timers: room, stage: {}, position: { epoch: "e", room: 5, chat: 5 }, userCount: 1 });
    return [store.current().id, store.upcoming()?.id];
  };
  assert.deepEqual(front(), ["a", "b"]);
  assert.deepEqual(front("finished"), ["a", "b"]);
  assert.deepEqual(front("paused", "finished"), ["a", "c"]);
  assert.deepEqual(front("paused", "running"), ["b", "c"]);
  assert.deepEqual(front("running", "running"), ["b", "c"]);
  assert.deepEqual(front("finished", "finished", "finished"), ["c", undefined]);
});

test("next starts the first behind the current one that has not finished, also one that is paused", () => {
  const { store } = loaded();
  assert.equal(store.following(), undefined);
  const put = (id, seq, position, state) => store.apply("timer-update", { ...timer(id, seq, position), state, startTimestamp: state === "idle" ? null : `2030-01-01T10:0${position}:00Z` });
  put("a", 6, 0, "idle");
  put("b", 7, 1, "running");
  assert.equal(store.following(), undefined);
  put("c", 8, 2, "finished");
  put("d", 9, 3, "idle");
  assert.equal(store.following().id, "d");
});

import assert from "node:assert/strict";
import { test } from "node:test";
import { Conversation } from "../src/chat.js";
import { RoomStore } from "../src/store.js";

/** A room whose server answers by `answers`, one after the other, and remembers what it was asked. */
class Room extends EventTarget {
  id = "r";
  ref = "r";
  you = { role: "guest", userId: "me" };
  asked = [];
  store = new RoomStore(() => {});

  constructor(...answers) {
    super();
    const answer = (...question) => {
      this.asked.push(question);
      return Promise.resolve(answers.shift() ?? { ok: true });
    };
    this.client = { connected: true, socket: { emit: answer }, emit: answer, call: answer, clock: { monotonic: () => 0 } };
  }

  join() {
    this.dispatchEvent(new CustomEvent("joined", { detail: { recovered: false } }));
    return settled();
  }
}

// Long enough for a busy machine: what is waited for takes no time of its own.
const settled = () => new Promise((resolve) => setTimeout(resolve, 50));
const sent = (content, id) => ({ ok: true, message: { id, content, seq: 1, changeSeq: 1, userId: "me" } });
const refused = (code, retryable = false) => ({ ok: false, error: { code, message: code, details: {}, retryable, retryAfterMs: 0 } });

function storage() {
  const kept = new Map();
  return {
    kept,
    getItem: (key) => kept.get(key) ?? null,
    setItem: (key, value) => kept.set(key, value),
    removeItem: (key) => kept.delete(key),
  };
}

test("a message is there at once and waits until the server has it", async () => {
  const room = new Room(sent("hello", "m"));
  const talk = new Conversation(room);
  talk.send("hello");
  assert.deepEqual(talk.messages.map(({ content, pending }) => [content, pending]), [["hello", true]]);
  await settled();
  assert.deepEqual(talk.messages.map(({ id, pending }) => [id, pending]), [["m", undefined]]);
});

test("a lost answer is asked for again under the same id, and others wait their turn", async () => {
  const room = new Room(refused("timeout", true), sent("one", "1"), sent("two", "2"));
  const talk = new Conversation(room);
  talk.send("one");
  talk.send("two");
  while (room.asked.length < 3) await settled();
  const ids = room.asked.map(([, { clientMessageId }]) => clientMessageId);
  assert.deepEqual(room.asked.map(([, { content }]) => content), ["one", "one", "two"]);
  assert.equal(ids[0], ids[1]);
});

test("what was refused says why, keeps nobody waiting, and may be sent again or given up", async () => {
  const room = new Room(refused("muted"), sent("two", "2"), sent("one", "1"));
  const talk = new Conversation(room);
  const id = talk.send("one");
  talk.send("two");
  await settled();
  assert.deepEqual(talk.outbox.map(({ error }) => error.code), ["muted"]);
  talk.retry(id);
  await settled();
  assert.deepEqual(talk.outbox, []);
});

test("what has not been sent is found again on the next visit", async () => {
  const store = storage();
  new Conversation(new Room(refused("muted")), { storage: store }).send("kept");
  await settled();
  const room = new Room();
  const talk = new Conversation(room, { storage: store });
  await room.join();
  assert.deepEqual(talk.outbox.map(({ content }) => content), ["kept"]);
  talk.discard(talk.outbox[0].clientMessageId);
  assert.equal(store.kept.size, 0);
});

test("without a socket it goes by REST", async () => {
  const room = new Room({ ok: true, id: "m", content: "hello", seq: 1, changeSeq: 1 });
  room.client.connected = false;
  new Conversation(room).send("hello");
  await settled();
  assert.deepEqual(room.asked[0].slice(0, 2), ["POST", "/api/rooms/r/messages"]);
  assert.deepEqual(room.store.messages.map(({ id }) => id), ["m"]);
});

test("a viewer reads nothing", async () => {
  const room = new Room();
  room.you = { role: "viewer", userId: null };
  const talk = new Conversation(room);
  await room.join();
  assert.equal(talk.canRead, false);
});

test("without a socket, who picks a name is asked for anew and may read from then on", async () => {
  const room = new Room(refused("unauthenticated"), { ok: true, items: [] });
  room.client.connected = false;
  const talk = new Conversation(room);
  const poll = () => (room.dispatchEvent(new CustomEvent("polled", { detail: { chat: 3 } })), settled());
  await poll();
  assert.equal(talk.canRead, false);
  await poll();
  assert.equal(room.asked.length, 1);
  room.dispatchEvent(new Event("restarted"));
  await poll();
  assert.equal(talk.canRead, true);
});

test("an answer that did not come says nothing of who may read, and the next poll asks again", async () => {
  const room = new Room(refused("offline", true), { ok: true, items: [] });
  room.client.connected = false;
  const talk = new Conversation(room);
  const poll = () => (room.dispatchEvent(new CustomEvent("polled", { detail: { chat: 3 } })), settled());
  await poll();
  assert.equal(talk.canRead, undefined);
  await poll();
  assert.equal(talk.canRead, true);
});

test("what was refused to who had no name yet is no news once the room is joined", async () => {
  let answer;
  const room = new Room();
  room.client.connected = false;
  room.client.call = () => new Promise((resolve) => (answer = resolve));
  const talk = new Conversation(room);
  room.dispatchEvent(new CustomEvent("polled", { detail: { chat: 3 } }));
  room.client.connected = true;
  await room.join();
  answer(refused("unauthenticated"));
  await settled();
  assert.equal(talk.canRead, true);
});

test("what waits to be sent again does not wait on when the connection is back", async () => {
  const offline = { ok: false, error: { code: "offline", retryable: true, retryAfterMs: 60_000 } };
  const room = new Room(offline, sent("hello", "m"));
  const talk = new Conversation(room);
  talk.send("hello");
  await settled();
  assert.equal(room.asked.length, 1);
  await room.join();
  assert.deepEqual([room.asked.length, talk.outbox], [2, []]);
});

test("an older page that was asked for before everything came anew leaves no gap", async () => {
  const page = (id, seq, nextCursor) => ({ ok: true, items: [{ id, seq, changeSeq: seq }], nextCursor });
  const room = new Room(page("b", 2, "before b"));
  const talk = new Conversation(room);
  await talk.older();
  let answer;
  room.client.call = () => new Promise((resolve) => (answer = resolve));
  const came = talk.older();
  room.store.welcome({ users: [], messages: [{ id: "z", seq: 99, changeSeq: 99 }], recovered: false });
  await room.join();
  answer(page("a", 1, null));
  assert.deepEqual([await came, talk.hasOlder, talk.messages.map(({ id }) => id)], [0, true, ["z"]]);
});

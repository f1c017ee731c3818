// The client of clients/js against a running server, whose access tokens live three seconds. GREENROOM_URL says where.
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { io } from "socket.io-client";
import { Client, Conversation, Session, format, upload } from "../../clients/js/src/index.js";

const url = process.env.GREENROOM_URL;
const password = "correct horse battery";
const opened = [];
let people = 0;

after(() => opened.forEach((client) => client.close()));

async function until(condition, what, withinMs = 10_000) {
  for (const end = Date.now() + withinMs; Date.now() < end; await new Promise((resolve) => setTimeout(resolve, 10))) {
    if (condition()) return;
  }
  assert.fail(`did not happen: ${what}`);
}

async function person() {
  const session = new Session({ url });
  const answer = await session.register({ username: `js${process.pid}x${(people += 1)}`, password });
  assert.ok(answer.ok, JSON.stringify(answer));
  return session;
}

function connect(session) {
  const client = new Client({ io, session, url });
  opened.push(client);
  return client;
}

async function follow(client, ref) {
  const room = await client.room(ref);
  await until(() => room.connection === "live", "live");
  return room;
}

async function setting() {
  const host = connect(await person());
  const made = await host.post("/api/rooms", { name: "Main hall" });
  const timer = await host.post(`/api/rooms/${made.id}/timers`, { title: "Opening", duration: 600_000 });
  return { host, made, timer, room: await follow(host, made.id) };
}

async function guestOf(made, name) {
  const session = new Session({ url });
  await session.guest(made.shareToken, name);
  const room = await follow(connect(session), made.shareToken);
  return { room, talk: new Conversation(room) };
}

const texts = (talk) => talk.messages.filter(({ userId }) => userId).map(({ content }) => content);

test("a viewer without any account sees a timer start and its remaining time tick", async () => {
  const { made, timer, room } = await setting();
  const viewer = await follow(connect(), made.shareToken);
  assert.equal(viewer.you.role, "viewer");
  const shown = [];
  const stop = viewer.tick((face) => face.phase === "running" && shown.push(format(face.ms, { tenths: true })), 20);
  assert.ok((await room.timerAction(timer.id, "start")).ok);
  await until(() => new Set(shown).size > 3, "four different tenths");
  stop();
  assert.ok(Math.abs(viewer.remaining() - room.remaining()) < 100);
  assert.ok(viewer.remaining() < 600_000);
});

test("two people talk: typing, messages, presence and receipts reach the other one", async () => {
  const { made, room } = await setting();
  const talk = new Conversation(room);
  const grace = await guestOf(made, "Grace");
  await until(() => room.store.users.some(({ name }) => name === "Grace"), "Grace is here");
  grace.talk.typing();
  await until(() => [...room.store.typing.values()].includes("Grace"), "Grace is typing");
  grace.talk.stopTyping();
  await until(() => room.store.typing.size === 0, "no longer");
  talk.send("Hello");
  await until(() => texts(grace.talk).includes("Hello"), "the message");
  grace.talk.markRead();
  const mine = talk.messages.find(({ content }) => content === "Hello");
  await until(() => talk.readers(mine.id).includes(grace.room.you.userId), "the receipt");
  const { items } = await talk.receipts(mine.id);
  assert.deepEqual(items.map(({ name }) => name), ["Grace"]);
  assert.ok((await talk.edit(mine.id, "Hello all")).ok);
  await until(() => texts(grace.talk).includes("Hello all"), "the edit");
});

test("an event that got lost is noticed and repaired, and nothing comes twice", async () => {
  const { made, room, timer } = await setting();
  const grace = await guestOf(made, "Grace");
  const { socket } = grace.room.client;
  const onevent = socket.onevent;
  const lost = [];
  socket.onevent = (packet) => {
    if (lost.length < 2 && ["timer-update", "message-received"].includes(packet.data[0])) lost.push(packet.data[0]);
    else onevent.call(socket, packet);
  };
  await room.timerAction(timer.id, "start");
  await until(() => lost.length === 2, "both streams lost an event");
  await room.timerAction(timer.id, "adjust", { deltaMs: 30_000 });
  new Conversation(room).send("after the gap");
  await until(() => grace.room.store.timer(timer.id).addedMs === 30_000, "the timer");
  await until(() => texts(grace.talk).includes("after the gap"), "the message");
  assert.deepEqual(grace.talk.messages.map(({ seq }) => seq), [1, 2]);
});

test("after a lost connection it resumes from its position", async () => {
  const { made, room } = await setting();
  const grace = await guestOf(made, "Grace");
  const joins = [];
  grace.room.addEventListener("joined", ({ detail }) => joins.push(detail.recovered));
  grace.room.client.socket.io.engine.close();
  new Conversation(room).send("while you were away");
  await until(() => joins.length > 0, "a second join");
  await until(() => texts(grace.talk).includes("while you were away"), "what was missed");
  assert.deepEqual(joins, [true]);
});

test("a message whose answer was lost is sent again and exists once", async () => {
  const { made, host } = await setting();
  const grace = await guestOf(made, "Grace");
  const { client } = grace.room;
  const emit = client.emit.bind(client);
  let asked = 0;
  client.emit = async (name, payload) => {
    const answer = await emit(name, payload);
    if (name !== "send-message" || (asked += 1) > 1) return answer;
    return { ok: false, error: { code: "timeout", message: "", details: {}, retryable: true, retryAfterMs: 1 } };
  };
  grace.talk.send("once");
  assert.deepEqual([grace.talk.messages.at(-1).content, grace.talk.messages.at(-1).pending], ["once", true]);
  await until(() => asked === 2 && !grace.talk.outbox.length, "both answers");
  const page = await host.call("GET", `/api/rooms/${made.id}/messages`);
  assert.equal(page.items.filter(({ content }) => content === "once").length, 1);
});

test("a file goes along with a message", async () => {
  const { made, room } = await setting();
  const grace = await guestOf(made, "Grace");
  const attachment = await upload(room.client, made.id, new File(["Doors open at nine."], "plan.txt", { type: "text/plain" }));
  assert.ok(attachment.ok, JSON.stringify(attachment));
  new Conversation(room).send("the plan", { attachmentId: attachment.id });
  await until(() => texts(grace.talk).includes("the plan"), "the message");
  const { url: address } = grace.talk.messages.at(-1).attachment;
  assert.equal(await (await fetch(new URL(address, url))).text(), "Doors open at nine.");
});

test("older messages come page by page until there are none", async () => {
  const { made, host, room } = await setting();
  const numbers = Array.from({ length: 60 }, (_, number) => `line ${number}`);
  for (const content of numbers) await host.post(`/api/rooms/${made.id}/messages`, { content });
  const grace = await guestOf(made, "Grace");
  await until(() => texts(grace.talk).length === 50, "the newest fifty");
  while (grace.talk.hasOlder) await grace.talk.older();
  assert.deepEqual(texts(grace.talk), numbers);
  assert.equal(room.id, made.id);
});

test("a token that runs out is renewed under the open socket, and requests go on", async () => {
  const session = await person();
  const client = connect(session);
  const made = await client.post("/api/rooms", { name: "Long evening" });
  const room = await follow(client, made.id);
  const { id } = client.socket;
  const old = await session.token();
  const answers = [];
  const emit = client.emit.bind(client);
  client.emit = async (name, payload, timeoutMs) => {
    const answer = await emit(name, payload, timeoutMs);
    if (name === "authenticate") answers.push(answer.ok);
    return answer;
  };
  await until(() => answers.length > 0, "authenticate after token-expired");
  assert.deepEqual([answers[0], client.socket.id, room.connection], [true, id, "live"]);
  assert.notEqual(await session.token(), old);
  assert.ok((await client.call("GET", "/api/me")).ok);
  assert.ok((await client.emit("send-message", { roomId: made.id, content: "still me" })).ok);
});

test("tabs that share a storage share one sign-in, and who signs out is out in all", async () => {
  const kept = new Map();
  const storage = { getItem: (key) => kept.get(key) ?? null, setItem: (key, value) => kept.set(key, value), removeItem: (key) => kept.delete(key) };
  const [one, other] = [new Session({ url, storage }), new Session({ url, storage })];
  await one.register({ username: `tabs${process.pid}`, password });
  const [first, second] = await Promise.all([one.renew(), one.renew()]);
  assert.equal(first, second);
  assert.ok(await other.renew());
  assert.ok(await one.renew());
  assert.equal(other.user.username, `tabs${process.pid}`);
  await one.logout();
  assert.deepEqual([other.user, await other.token()], [null, undefined]);
});

test("a token that the server no longer takes is replaced before the socket comes back", async () => {
  const session = await person();
  const client = new Client({ io, url, token: () => stale ?? session.token(), renew: () => ((stale = undefined), session.renew()) });
  let stale = "not.a.token";
  opened.push(client);
  await until(() => client.socket.connected, "connected");
  const made = await client.post("/api/rooms", { name: "Back again" });
  assert.ok(made.ok);
});

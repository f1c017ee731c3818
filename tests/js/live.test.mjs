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

async function until(condition, what, withinMs = 20_000) {
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

/** Nobody listens there: what a network that blocks sockets looks like. */
const NOWHERE = "http://127.0.0.1:1";
const withoutSocket = (_, options) => io(NOWHERE, { ...options, reconnectionDelay: 100, reconnectionDelayMax: 200 });

function unplug(client) {
  client.socket.io.uri = NOWHERE;
  client.socket.io.engine.close();
}

function plugIn(client) {
  client.socket.io.uri = url;
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
  await until(() => [viewer, room].every(({ client }) => client.clock.best?.error < 50), "both know the server's clock");
  assert.ok(Math.abs(viewer.remaining() - room.remaining()) < 100);
  assert.ok(viewer.remaining() < 600_000);
});

/** The author's own message once it is stored: others may have it before its author has the ack. */
async function found(talk, text) {
  const stored = () => talk.messages.find(({ content, pending }) => content === text && !pending);
  await until(stored, `"${text}" is stored`);
  return stored();
}

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
  const mine = await found(talk, "Hello");
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

test("without a socket it polls with an ETag and acts by REST, and goes on by the socket once that works", async () => {
  const session = await person();
  const client = new Client({ io: withoutSocket, session });
  opened.push(client);
  const made = await client.post("/api/rooms", { name: "Behind a firewall" });
  const timer = await client.post(`/api/rooms/${made.id}/timers`, { title: "Opening", duration: 600_000 });
  const statuses = [];
  const fetch = client.fetch.bind(client);
  client.fetch = async (path, options) => {
    const response = await fetch(path, options);
    if (path === `/api/rooms/${made.id}`) statuses.push(response.status);
    return response;
  };
  const room = await client.room(made.id);
  const talk = new Conversation(room);
  assert.deepEqual([room.connection, room.you.role, room.store.current().title], ["polling", "owner", "Opening"]);
  await until(() => statuses.includes(304), "an answer without content");
  assert.ok((await room.timerAction(timer.id, "start")).ok);
  assert.equal(room.store.current().state, "running");
  const other = connect(session);
  await other.post(`/api/timers/${timer.id}/adjust`, { deltaMs: 60_000 });
  await until(() => room.store.timer(timer.id).addedMs === 60_000, "what somebody else did");
  talk.send("by REST");
  await until(() => talk.messages.some(({ content, pending }) => content === "by REST" && !pending), "the message");
  assert.ok((await talk.delete(talk.messages.at(-1).id)).ok);
  assert.deepEqual(texts(talk), [""]);
  plugIn(client);
  await until(() => room.connection === "live", "live");
  assert.ok(client.connected);
});

test("a room says when nothing new comes, and catches up", async () => {
  const { made, room, timer } = await setting();
  const grace = await guestOf(made, "Grace");
  const { client } = grace.room;
  const seen = [];
  grace.room.addEventListener("connection", () => seen.push(grace.room.connection));
  const fetch = client.fetch.bind(client);
  client.fetch = () => Promise.reject(new TypeError("no network"));
  unplug(client);
  await until(() => grace.room.connection === "stale", "stale");
  await room.timerAction(timer.id, "start");
  client.fetch = fetch;
  await until(() => grace.room.connection === "polling", "polling");
  await until(() => grace.room.store.timer(timer.id).state === "running", "the start");
  plugIn(client);
  await until(() => grace.room.connection === "live", "live");
  assert.deepEqual(seen, ["stale", "polling", "live"]);
});

test("a second room on the same connection knows its conversation; closed, it stays closed when the connection comes back", async () => {
  const { made, room } = await setting();
  const second = await room.client.post("/api/rooms", { name: "Upstairs" });
  const kept = new Map();
  const storage = { getItem: (key) => kept.get(key) ?? null, setItem: (key, value) => kept.set(key, value), removeItem: (key) => kept.delete(key) };
  const left = { clientMessageId: "abc", content: "from my last visit", messageType: "text", replyTo: null, attachmentId: null, pending: true };
  kept.set(`greenroom:outbox:${second.id}:${room.you.userId}`, JSON.stringify([left]));
  const upstairs = await room.client.room(second.id);
  const talk = new Conversation(upstairs, { storage });
  assert.equal(talk.canRead, true);
  await until(() => talk.messages.some(({ content, pending }) => content === "from my last visit" && !pending), "what had waited");
  assert.equal(kept.size, 0);
  upstairs.close();
  const joined = [];
  const { client } = room;
  const emit = client.emit.bind(client);
  client.emit = (name, payload, ...more) => (name === "join-room" && joined.push(payload.roomId), emit(name, payload, ...more));
  room.addEventListener("joined", () => joined.push("back"));
  client.socket.io.engine.close();
  await until(() => joined.includes("back"), "the first room");
  assert.deepEqual(joined, [made.id, "back"]);
});

test("a room that does not exist, and one that a host took somebody out of, say so and are not entered again", async () => {
  const { host, made } = await setting();
  const nowhere = await host.room("nowhere");
  await until(() => nowhere.left, "left");
  assert.equal(nowhere.left, "room_not_found");
  const client = connect(await person());
  const theirs = await follow(client, made.id);
  const reasons = [];
  theirs.addEventListener("left", ({ detail }) => reasons.push(detail));
  assert.ok((await host.call("DELETE", `/api/rooms/${made.id}/members/${theirs.you.userId}`)).ok);
  await until(() => reasons.length, "out");
  assert.deepEqual([reasons, theirs.left], [["removed"], "removed"]);
  const other = await follow(client, (await client.post("/api/rooms", { name: "Elsewhere" })).id);
  const back = new Promise((resolve) => other.addEventListener("joined", resolve, { once: true }));
  client.socket.io.engine.close();
  await back;
  const { items } = await host.call("GET", `/api/rooms/${made.id}/members`);
  assert.ok(!items.some(({ userId }) => userId === theirs.you.userId));
});

test("a room passes on the events of the wire, a flash among them", async () => {
  const { host, made, timer, room } = await setting();
  const viewer = await follow(connect(), made.shareToken);
  const heard = [];
  for (const name of ["flash", "stage-update", "timer-finished"]) viewer.addEventListener(name, ({ detail }) => heard.push([name, detail?.text ?? detail?.title]));
  await host.call("PUT", `/api/rooms/${made.id}/stage`, { text: "Welcome", visible: true });
  await host.post(`/api/rooms/${made.id}/stage/flash`);
  await room.timerAction(timer.id, "start");
  await room.timerAction(timer.id, "adjust", { deltaMs: -600_000 });
  await until(() => heard.length === 3, "all three");
  assert.deepEqual(heard, [["stage-update", "Welcome"], ["flash", undefined], ["timer-finished", "Opening"]]);
  assert.equal(viewer.store.room.stage.text, "Welcome");
});

test("an account signs in and out; a refusal says why, and every change is told", async () => {
  const known = await person();
  const session = new Session({ url });
  let changes = 0;
  session.addEventListener("change", () => (changes += 1));
  const wrong = await session.login({ username: known.user.username, password: "not the password" });
  assert.deepEqual([wrong.ok, wrong.error.code, session.user, changes], [false, "bad_credentials", null, 0]);
  assert.ok((await session.login({ username: known.user.username, password })).ok);
  assert.equal(session.user.id, known.user.id);
  await session.logout();
  assert.deepEqual([session.user, await session.token(), changes], [null, undefined, 2]);
});

test("tabs that renew at the same moment both stay signed in", async () => {
  const kept = new Map();
  const storage = { getItem: (key) => kept.get(key) ?? null, setItem: (key, value) => kept.set(key, value), removeItem: (key) => kept.delete(key) };
  const [one, other] = [new Session({ url, storage }), new Session({ url, storage })];
  await one.register({ username: `both${process.pid}`, password });
  const fresh = await Promise.all([one.renew(), other.renew()]);
  assert.ok(fresh.every(Boolean), String(fresh));
  assert.ok(await other.renew());
  assert.equal(one.user.username, `both${process.pid}`);
});

test("what was said is found again, and what somebody takes back is gone for all", async () => {
  const { made, room } = await setting();
  const talk = new Conversation(room);
  const grace = await guestOf(made, "Grace");
  for (const content of ["Doors open at nine", "Lunch is at noon"]) talk.send(content);
  await until(() => texts(grace.talk).length === 2, "both");
  const found = await grace.talk.search("lunch");
  assert.deepEqual(found.items.map(({ content }) => content), ["Lunch is at noon"]);
  assert.ok((await talk.delete(found.items[0].id)).ok);
  await until(() => texts(grace.talk).at(-1) === "", "the deletion");
  assert.equal((await grace.talk.delete(grace.talk.messages.at(-2).id)).error.code, "forbidden");
});

test("a file that is not wanted any more is not sent, and one that is refused says why", async () => {
  const { made, room } = await setting();
  const file = new File(["Doors open at nine."], "plan.txt", { type: "text/plain" });
  const stopped = await upload(room.client, made.id, file, { signal: AbortSignal.abort() });
  assert.deepEqual([stopped.ok, stopped.error.code], [false, "aborted"]);
  const program = await upload(room.client, made.id, new File(["MZ"], "run.exe", { type: "application/x-msdownload" }));
  assert.equal(program.error.code, "file_type_not_allowed");
});

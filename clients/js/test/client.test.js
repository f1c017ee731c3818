import assert from "node:assert/strict";
import { afterEach, test } from "node:test";
import { Client } from "../src/client.js";
import { Session } from "../src/session.js";

const { fetch } = globalThis;
afterEach(() => (globalThis.fetch = fetch));

/** Requests are held until they are answered by `answers[index]`. */
function held() {
  const answers = [];
  globalThis.fetch = () => new Promise((resolve, reject) => answers.push({ give: resolve, fail: () => reject(new TypeError("no network")) }));
  return answers;
}

const settled = () => new Promise((resolve) => setTimeout(resolve, 50));
const tokens = (refreshToken) => Response.json({ user: { id: refreshToken }, accessToken: `for ${refreshToken}`, refreshToken, expiresIn: 900 });

async function signedIn() {
  const answers = held();
  const session = new Session();
  const entering = session.login({});
  answers.shift().give(tokens("first"));
  await entering;
  return { answers, session };
}

test("what a proxy says in place of the server is no answer, and can be asked again", async () => {
  globalThis.fetch = async () => new Response("<h1>Bad gateway</h1>", { status: 502 });
  const { ok, error } = await new Client({}).post("/api/rooms");
  assert.deepEqual([ok, error.code, error.retryable], [false, "offline", true]);
});

test("who signs out while the tokens are exchanged stays signed out", async () => {
  const { answers, session } = await signedIn();
  const renewing = session.renew();
  session.logout();
  answers[0].give(tokens("second"));
  assert.equal(await renewing, undefined);
  assert.equal(session.user, null);
});

test("who signs in anew while old tokens are refused stays signed in", async () => {
  const { answers, session } = await signedIn();
  const renewing = session.renew();
  const entering = session.login({});
  answers[1].give(tokens("second"));
  await entering;
  answers[0].give(Response.json({ error: { code: "invalid_token", retryable: false } }, { status: 401 }));
  assert.equal(await renewing, "for second");
  assert.equal(session.user.id, "second");
});

test("a socket that was refused comes back also when no new token was to be had at first", async () => {
  const { answers, session } = await signedIn();
  const events = {};
  const socket = { on: (name, action) => (events[name] = action), connect: () => (socket.attempts += 1), attempts: 0 };
  new Client({ io: () => socket, session });
  events.connect_error({ data: { code: "token_expired", retryAfterMs: 0 } });
  answers[0].fail();
  await settled();
  assert.equal(socket.attempts, 1);
  events.connect_error({ data: { code: "invalid_token", retryAfterMs: 0 } });
  answers[1].give(Response.json({ error: { code: "invalid_token", retryable: false } }, { status: 401 }));
  await settled();
  assert.equal(socket.attempts, 1);
});

import assert from "node:assert/strict";
import { test } from "node:test";
import { upload } from "../src/upload.js";

/** A client whose server answers each call with `answer`, and what was asked of it. */
function asked(answer = { ok: false, error: { code: "file_type_not_allowed" } }) {
  const calls = [];
  return { calls, client: { url: "", post: async (path, body) => (calls.push([path, body]), answer) } };
}

test("what is stopped before it begins asks the server for nothing", async () => {
  const { calls, client } = asked();
  const answer = await upload(client, "r", new File(["x"], "plan.txt"), { signal: AbortSignal.abort() });
  assert.deepEqual([answer.ok, answer.error.code, calls], [false, "aborted", []]);
});

test("a file of which nobody knows the type is announced as that, by its name", async () => {
  const { calls, client } = asked();
  await upload(client, "r", new File(["# Notes"], "notes.md"));
  assert.deepEqual(calls[0][1], { roomId: "r", filename: "notes.md", mime: "application/octet-stream", bytes: 7, alt: "" });
});

test("what is stopped at the last moment is not there either", async () => {
  const stopping = new AbortController();
  const post = async (path) => (path.endsWith("complete") ? (stopping.abort(), { ok: true, id: "a" }) : { ok: true, method: "PUT", url: "data:,", uploadId: "u" });
  const { fetch } = globalThis;
  globalThis.fetch = async () => ({ ok: true });
  const answer = await upload({ url: "http://localhost", post }, "r", new File(["x"], "plan.txt"), { signal: stopping.signal });
  globalThis.fetch = fetch;
  assert.deepEqual([answer.ok, answer.error?.code], [false, "aborted"]);
});

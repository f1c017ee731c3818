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

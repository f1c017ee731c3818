/**
 * Send a file to a room: ask how, send it there (a bucket, or the server itself), say that it is done.
 *
 * @param {import("./client.js").Client} client
 * @param {string} roomId
 * @param {File} file
 * @param {{alt?: string}} [options] what an image shows, for those who do not see it
 * @returns {Promise<object>} `{ok, …attachment}` or `{ok: false, error}`
 */
export async function upload(client, roomId, file, { alt = "" } = {}) {
  const mime = file.type || "application/octet-stream";
  const ticket = await client.post("/api/upload/init", { roomId, filename: file.name, mime, bytes: file.size, alt });
  if (!ticket.ok) return ticket;
  const sent = await fetch(new URL(ticket.url, client.url || location.href), requestOf(ticket, file)).catch(() => undefined);
  if (!sent?.ok) return { ok: false, error: { code: "upload_failed", message: "The file did not arrive.", details: {}, retryable: true } };
  return client.post("/api/upload/complete", { uploadId: ticket.uploadId });
}

/** The ticket is the credential: cookies stay here. */
function requestOf({ method, fields, headers }, file) {
  if (method === "PUT") return { method, headers, body: file, credentials: "omit" };
  const form = new FormData();
  for (const [name, value] of Object.entries(fields)) form.append(name, value);
  form.append("file", file);
  return { method: "POST", body: form, credentials: "omit" };
}

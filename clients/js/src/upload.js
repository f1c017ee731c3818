/* What a browser does not know the type of, as Windows has it with .md, the server knows by its name. */
const UNKNOWN_TYPE = "application/octet-stream";

/**
 * Send a file to a room: ask how, send it there (a bucket, or the server itself), say that it is done.
 *
 * @param {import("./client.js").Client} client
 * @param {string} roomId
 * @param {File} file
 * @param {object} [options]
 * @param {string} [options.alt] what an image shows, for those who do not see it
 * @param {(share: number) => void} [options.onProgress] called with how much has left, from 0 to 1; in browsers only
 * @param {AbortSignal} [options.signal] stops it
 * @returns {Promise<object>} `{ok, …attachment}` or `{ok: false, error}`; stopped: the error's code is `aborted`
 */
export async function upload(client, roomId, file, { alt = "", onProgress, signal } = {}) {
  if (signal?.aborted) return failure("aborted", "Stopped.");
  const mime = file.type || UNKNOWN_TYPE;
  const ticket = await client.post("/api/upload/init", { roomId, filename: file.name, mime, bytes: file.size, alt });
  if (!ticket.ok) return ticket;
  if (signal?.aborted) return failure("aborted", "Stopped.");
  const request = { ...requestOf(ticket, file), url: String(new URL(ticket.url, client.url || globalThis.location?.href)), signal };
  const arrived = await (globalThis.XMLHttpRequest ? transfer(request, onProgress) : plainTransfer(request));
  if (signal?.aborted) return failure("aborted", "Stopped.");
  if (!arrived) return failure("upload_failed", "The file did not arrive.", true);
  const answer = await client.post("/api/upload/complete", { uploadId: ticket.uploadId });
  return signal?.aborted ? failure("aborted", "Stopped.") : answer;
}

function failure(code, message, retryable = false) {
  return { ok: false, error: { code, message, details: {}, retryable } };
}

/** The ticket is the credential: cookies stay here. */
function requestOf({ method, fields, headers = {} }, file) {
  if (method === "PUT") return { method, headers, body: file };
  const form = new FormData();
  for (const [name, value] of Object.entries(fields)) form.append(name, value);
  form.append("file", file);
  return { method: "POST", headers: {}, body: form };
}

/** `fetch` cannot tell how much has left; the older interface can. Resolves with whether it arrived. */
function transfer({ url, method, headers, body, signal }, onProgress) {
  return new Promise((resolve) => {
    const request = new XMLHttpRequest();
    request.open(method, url);
    for (const [name, value] of Object.entries(headers)) request.setRequestHeader(name, value);
    if (onProgress) request.upload.onprogress = ({ loaded, total }) => onProgress(total ? loaded / total : 0);
    request.onloadend = () => resolve(request.status >= 200 && request.status < 300);
    signal?.addEventListener("abort", () => request.abort(), { once: true });
    request.send(body);
  });
}

async function plainTransfer({ url, signal, ...options }) {
  const answer = await fetch(url, { ...options, signal, credentials: "omit" }).catch(() => undefined);
  return Boolean(answer?.ok);
}

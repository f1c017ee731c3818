/**
 * The conversation of a room: what was said, what waits to be sent, and what went before.
 *
 * A message is shown at once and kept until the server has it. Each carries a `clientMessageId`, so that sending it again, after
 * a lost answer or on the next visit, never makes a second one. Messages leave in the order in which they were written.
 * Events: "change" (messages or what waits), "state" (who may what).
 */
const RETRY_FIRST_MS = 1_000;
const RETRY_MOST_MS = 30_000;
const TYPING_AGAIN_MS = 3_000;
const PAGE = 50;

export class Conversation extends EventTarget {
  outbox = [];
  /** Whether messages may be read; undefined until known. */
  canRead;
  hasOlder = true;
  #storage;
  #sending = false;
  #retryMs = RETRY_FIRST_MS;
  #goOn;
  #typedAt = -Infinity;
  #cursor;
  #polledChat;

  /**
   * @param {import("./room.js").Room} room
   * @param {{storage?: Storage}} [options] where unsent messages are kept; nowhere by default
   */
  constructor(room, { storage } = {}) {
    super();
    this.room = room;
    this.#storage = storage;
    room.addEventListener("joined", ({ detail }) => this.#joined(detail));
    room.addEventListener("restarted", () => ([this.canRead, this.#polledChat] = [undefined, undefined]));
    room.addEventListener("polled", ({ detail }) => this.#poll(detail));
    room.store.addEventListener("messages", () => this.#changed());
    // A room of a connection that was there already has been joined before anybody could listen.
    if (room.connection === "live") this.#joined({ recovered: false });
  }

  /** What to show, oldest first: the messages, then those that wait (`pending: true`, `error` if refused). */
  get messages() {
    const known = new Set(this.room.store.messages.map(({ clientMessageId }) => clientMessageId).filter(Boolean));
    return [...this.room.store.messages, ...this.outbox.filter(({ clientMessageId }) => !known.has(clientMessageId))];
  }

  get me() {
    return this.room.you.userId;
  }

  /** Write a message; it is in `messages` when this returns. */
  send(content, { messageType = "text", replyTo = null, attachmentId = null } = {}) {
    const message = { clientMessageId: newId(), content, messageType, replyTo, attachmentId, createdAt: new Date().toISOString() };
    this.outbox.push({ ...message, userId: this.me, pending: true });
    this.#typedAt = -Infinity;
    this.#keep();
    this.#flush();
    return message.clientMessageId;
  }

  /** Try again what was refused. */
  retry(clientMessageId) {
    for (const message of this.outbox) if (message.clientMessageId === clientMessageId) delete message.error;
    this.#keep();
    this.#flush();
  }

  /** Give up what has not been sent. */
  discard(clientMessageId) {
    this.outbox = this.outbox.filter((message) => message.clientMessageId !== clientMessageId);
    this.#keep();
  }

  edit(messageId, content) {
    return this.#act("edit-message", { messageId, content }, "PATCH", `/api/messages/${messageId}`, { content });
  }

  delete(messageId) {
    return this.#act("delete-message", { messageId }, "DELETE", `/api/messages/${messageId}`);
  }

  /** Say that somebody writes; repeated at most every few seconds, as the server forgets it by itself. */
  typing() {
    const { client, id } = this.room;
    const now = client.clock.monotonic();
    if (!client.connected || now - this.#typedAt < TYPING_AGAIN_MS) return;
    this.#typedAt = now;
    client.socket.emit("typing-start", { roomId: id });
  }

  stopTyping() {
    const { client, id } = this.room;
    this.#typedAt = -Infinity;
    if (client.connected) client.socket.emit("typing-stop", { roomId: id });
  }

  /** Those who have read a message of mine, as far as it was heard since joining; `receipts` asks the server for all. */
  readers(messageId) {
    const seqs = new Map(this.room.store.messages.map(({ id, seq }) => [id, seq]));
    const isCovered = ([, read]) => seqs.get(read.messageId) >= seqs.get(messageId);
    return [...this.room.store.reads].filter(isCovered).map(([userId]) => userId);
  }

  receipts(messageId) {
    return this.room.client.call("GET", `/api/messages/${messageId}/receipts`);
  }

  /** Everything up to the newest message was seen. */
  markRead() {
    const newest = this.room.store.messages.at(-1);
    const { client, id } = this.room;
    if (!newest || this.readUpTo === newest.id || !client.connected) return;
    this.readUpTo = newest.id;
    client.socket.emit("mark-read", { roomId: id, messageId: newest.id });
  }

  /** The page before what is known. Resolves to how many came. */
  async older() {
    const cursor = this.#cursor;
    const query = new URLSearchParams({ limit: PAGE, ...(cursor ? { cursor } : {}) });
    const page = await this.room.client.call("GET", `/api/rooms/${this.room.ref}/messages?${query}`);
    if (!page.ok || this.#cursor !== cursor) return 0; // after a join that brought all anew it would leave a gap
    this.#cursor = page.nextCursor;
    this.hasOlder = page.nextCursor !== null;
    const before = this.room.store.messages.length;
    this.room.store.prepend(page.items);
    const came = this.room.store.messages.length - before;
    // The first page walks over what the join brought already.
    return came || !this.hasOlder ? came : this.older();
  }

  search(words) {
    const query = new URLSearchParams({ q: words, limit: PAGE });
    return this.room.client.call("GET", `/api/rooms/${this.room.ref}/messages/search?${query}`);
  }

  #joined({ recovered }) {
    if (!recovered) [this.#cursor, this.hasOlder] = [undefined, true];
    this.canRead = this.room.you.role !== "viewer";
    this.outbox = this.canRead ? this.#kept() : [];
    this.dispatchEvent(new Event("state"));
    this.#changed();
    this.#goOn?.();
    this.#flush();
  }

  /** While there is no socket: what has changed since, whenever the room's number says that something has. */
  async #poll({ chat }) {
    if (chat === this.#polledChat || this.canRead === false) return;
    const since = this.#polledChat === undefined ? { limit: PAGE } : { afterChange: this.#polledChat, limit: 100 };
    const page = await this.room.client.call("GET", `/api/rooms/${this.room.ref}/messages?${new URLSearchParams(since)}`);
    if (this.room.client.connected || page.error?.retryable) return; // a join says more, or the next poll
    this.canRead = page.ok;
    this.dispatchEvent(new Event("state"));
    if (!page.ok) return;
    if (!this.outbox.length) this.outbox = this.#kept();
    this.#polledChat = chat;
    for (const message of page.items) this.room.store.putMessage(message);
    this.#flush();
  }

  async #flush() {
    if (this.#sending) return;
    this.#sending = true;
    for (let next = this.#next(); next; next = this.#next()) {
      const answer = await this.#post(next);
      if (answer.ok) this.#sent(next, answer.message);
      else if (answer.error.retryable) await this.#pause(answer.error);
      else this.#refused(next, answer.error);
    }
    this.#sending = false;
  }

  #next() {
    return this.outbox.find(({ error }) => !error);
  }

  #post({ content, messageType, replyTo, attachmentId, clientMessageId }) {
    const body = { content, messageType, replyTo, attachmentId, clientMessageId };
    const { id } = this.room;
    return this.#act("send-message", { roomId: id, ...body }, "POST", `/api/rooms/${id}/messages`, body);
  }

  /** By the socket, or by REST when there is none; either way `{ok, message}` or `{ok: false, error}`. */
  async #act(event, payload, method, path, body) {
    const { client, store } = this.room;
    const answer = client.connected
      ? await client.emit(event, payload)
      : await client.call(method, path, body).then(({ ok, error, ...message }) => (ok ? { ok, message } : { ok, error }));
    if (answer.ok && answer.message) store.putMessage(answer.message);
    return answer;
  }

  #sent(message) {
    this.#retryMs = RETRY_FIRST_MS;
    this.discard(message.clientMessageId);
  }

  #refused(message, error) {
    message.error = error;
    this.#keep();
  }

  async #pause({ retryAfterMs }) {
    await new Promise((resolve) => {
      const waiting = setTimeout(resolve, retryAfterMs ?? this.#retryMs);
      this.#goOn = () => (clearTimeout(waiting), resolve()); // the connection is back
    });
    this.#retryMs = Math.min(RETRY_MOST_MS, this.#retryMs * 2);
  }

  get #key() {
    return `greenroom:outbox:${this.room.id}:${this.me}`;
  }

  #kept() {
    const kept = JSON.parse(this.#storage?.getItem(this.#key) ?? "[]");
    const here = new Set(this.outbox.map(({ clientMessageId }) => clientMessageId));
    return [...kept.filter(({ clientMessageId }) => !here.has(clientMessageId)), ...this.outbox];
  }

  #keep() {
    // Before the room is known there is no name to keep it under; the next change keeps it all.
    if (this.room.id && this.outbox.length) this.#storage?.setItem(this.#key, JSON.stringify(this.outbox));
    else if (this.room.id) this.#storage?.removeItem(this.#key);
    this.#changed();
  }

  #changed() {
    this.dispatchEvent(new Event("change"));
  }
}

/** Random enough to be nobody else's; `crypto.randomUUID` is missing on plain http. */
function newId() {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

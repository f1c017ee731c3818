import { Clock } from "./clock.js";
import { Room } from "./room.js";

const ACK_TIMEOUT_MS = 8_000;
const [LEAST_SAMPLES, MOST_SAMPLES] = [3, 8];
const GOOD_ERROR_MS = 10;
const CLOCK_PAUSE_MS = 120;
const AGAIN_MS = 1_000;
const STALE = ["invalid_token", "token_expired"];

/**
 * A connection to a Greenroom server.
 *
 * @param {object} options
 * @param {Function} [options.io] socket.io-client's `io`; whoever loads that later gives it to `connect`
 * @param {string} [options.url] the server; the session's, else the page's own origin
 * @param {import("./session.js").Session} [options.session] who connects; in place of `token` and `renew`
 * @param {() => Promise<string|undefined>|string|undefined} [options.token] gives a fresh access token whenever one is needed
 * @param {() => Promise<string|undefined>} [options.renew] makes credentials fresh when they ran out, and gives the new token
 * @param {() => Record<string, string>} [options.headers] more headers for REST, a CSRF token for instance
 */
export class Client {
  #rooms = [];
  #isClosed = false;

  constructor({ io, session, url = session?.url ?? "", token = () => session?.token(), renew, headers = () => ({}), clock = new Clock() }) {
    this.url = url;
    this.token = token;
    this.renew = renew ?? (session ? () => session.renew() : token);
    this.headers = headers;
    this.clock = clock;
    if (io) this.connect(io);
  }

  /** Open the connection. Until then only REST works: what does not need the socket need not wait for its library. */
  connect(io) {
    this.socket = io(this.url || undefined, {
      withCredentials: true,
      transports: ["websocket", "polling"],
      tryAllTransports: true,
      auth: async (give) => give({ token: await this.token() }),
    });
    this.socket.on("token-expired", () => this.#renew());
    this.socket.on("server-draining", ({ reconnectInMs }) => this.#later(reconnectInMs, () => this.reconnect()));
    this.socket.on("connect_error", ({ data }) => this.#refused(data));
    return this;
  }

  /** Whether events get through now; REST is the way when they do not. */
  get connected() {
    return Boolean(this.socket?.connected);
  }

  /** Follow a room by its share token or id. */
  room(ref) {
    const room = new Room(this, ref);
    this.#rooms.push(room);
    return room.open();
  }

  /** Send an event; resolves with its ack, `{ok: false, error}` when none comes in time. */
  async emit(name, payload, timeoutMs = ACK_TIMEOUT_MS) {
    try {
      return await this.socket.timeout(timeoutMs).emitWithAck(name, payload);
    } catch {
      return { ok: false, error: { code: "timeout", message: "No answer.", details: {}, retryable: true } };
    }
  }

  /** Come back with other credentials: as a guest who has just got a name, for instance. */
  reconnect() {
    this.socket.disconnect().connect();
  }

  /** A REST request; once more with fresh credentials where they had run out. */
  async fetch(path, options = {}) {
    const response = await this.#fetch(path, options);
    if (response.status !== 401 || !(await this.renew())) return response;
    return this.#fetch(path, options);
  }

  async #fetch(path, { headers, ...options }) {
    const token = await this.token();
    const authorization = token ? { Authorization: `Bearer ${token}` } : {};
    return fetch(this.url + path, {
      credentials: this.url ? "include" : "same-origin",
      cache: "no-store",
      ...options,
      headers: { ...authorization, ...this.headers(), ...headers },
    });
  }

  /** A REST call in the form of an ack: `{ok, …}` or `{ok: false, error}`. */
  async call(method, path, body) {
    const content = body === undefined ? {} : { body: JSON.stringify(body), headers: { "Content-Type": "application/json" } };
    const response = await this.fetch(path, { method, ...content }).catch(() => undefined);
    // What is cut off, or comes from something between here and the server, is no answer.
    const answer = response?.status === 204 ? {} : await response?.json().catch(() => undefined);
    if (!answer) return { ok: false, error: { code: "offline", message: "No connection.", details: {}, retryable: true } };
    return response.ok ? { ok: true, ...answer } : { ok: false, ...answer };
  }

  post(path, body = {}) {
    return this.call("POST", path, body);
  }

  /**
   * Ask the server for its time a few times: as often as it takes, over an uneven network, to know it well.
   * @returns {Promise<boolean>} false when the connection is open, as far as anybody knows, and nobody answers
   */
  async syncClock() {
    for (let sample = 0; sample < MOST_SAMPLES && this.connected; sample += 1) {
      const askedAt = this.clock.monotonic();
      const ack = await this.emit("ping", { t: sample });
      if (ack.ok) this.clock.sample(askedAt, ack.serverNow);
      else if (ack.error.code === "timeout") return !this.connected;
      if (sample >= LEAST_SAMPLES && this.clock.best?.error < GOOD_ERROR_MS) break;
      await new Promise((resolve) => setTimeout(resolve, CLOCK_PAUSE_MS));
    }
    return true;
  }

  /** Leave everything; no timer of ours goes on. */
  close() {
    this.#isClosed = true;
    for (const room of this.#rooms) room.close();
    this.socket?.disconnect();
  }

  /** What the server itself refuses, socket.io-client does not try again. */
  async #refused(error) {
    // Where nobody could be asked for a new token the old one is tried again, and then for a new one.
    const isWorthIt = STALE.includes(error?.code) ? ((await this.renew()) ?? (await this.token())) : error?.retryable;
    if (isWorthIt) this.#later(error.retryAfterMs ?? AGAIN_MS * (1 + Math.random()), () => this.socket.connect());
  }

  #later(ms, action) {
    setTimeout(() => this.#isClosed || action(), ms);
  }

  async #renew() {
    const token = await this.renew();
    if (token) await this.emit("authenticate", { token });
  }
}

import { countdown, remaining } from "./countdown.js";
import { RoomStore, ROOM_EVENTS } from "./store.js";

const SYNC_EVERY_MS = 15_000;
const POLL_EVERY_MS = 2_000;
const POLL_AFTER_MS = 3_000;
const WAKE_MS = 2_000;
const ACT_MS = 4_000;
const TICK_MS = 100;
const AGAIN_MS = 1_000;

/**
 * One joined room: a store that follows the socket, and polls with an ETag while there is none.
 * `connection`: "connecting", "live", "polling" (updates, a little later) or "stale" (nothing new; clocks run on).
 */
export class Room extends EventTarget {
  connection = "connecting";
  you = { role: "viewer", userId: null };
  lastHeard = 0;
  /** Why the room is followed no more, or never was: `room_not_found`, `removed`, `banned` …; undefined while it is. */
  left;
  #etag;
  #endings = [];
  #offline;
  /** Whether the connection is open, as far as anybody knows, and nobody answers. */
  #isQuiet = false;

  /** @param {import("./client.js").Client} client @param {string} ref share token or id */
  constructor(client, ref) {
    super();
    this.client = client;
    this.ref = ref;
    this.store = new RoomStore(() => this.join());
    this.store.addEventListener("change", () => this.dispatchEvent(new Event("change")));
  }

  get id() {
    return this.store.room?.id;
  }

  /** Begin to follow; resolves when the room is known, by whatever way. */
  async open() {
    const { socket } = this.client;
    const on = (name, action) => {
      socket.on(name, action);
      this.#endings.push(() => socket.off(name, action));
    };
    for (const name of ROOM_EVENTS) on(name, (...args) => this.#receive(name, args));
    // The state comes as events, which keep their order among the others; the ack follows when all of it was sent.
    on("room-state", (state) => this.#isHere(state) && this.store.load(state));
    on("room-joined", (joined) => this.#isMine(joined) && this.store.welcome(joined));
    on("stage-flash", (flash) => this.#isMine(flash) && this.dispatchEvent(new Event("flash")));
    on("room-left", (left) => this.#isMine(left) && this.#leave(left.reason));
    on("connect", () => this.join());
    on("disconnect", () => this.#lost());
    on("connect_error", () => this.#lost());
    this.#every(SYNC_EVERY_MS, () => (this.client.clock.slept() ? this.wake() : this.#listen()));
    this.#every(POLL_EVERY_MS, () => this.#pollIfOffline());
    this.#wakeWithThePage();
    if (this.client.connected) await this.join();
    else if (!this.store.room) await this.poll().catch(() => this.#lost());
    return this;
  }

  /** Join, or rejoin from where we are; also the repair after a jump. */
  async join() {
    const { position } = this.store;
    const ack = await this.client.emit("join-room", { [isId(this.ref) ? "roomId" : "shareToken"]: this.ref, position });
    if (!ack.ok) return this.#refused(ack.error);
    this.you = ack.you;
    this.#heard("live");
    this.dispatchEvent(new CustomEvent("joined", { detail: ack }));
    await this.client.syncClock();
    return ack;
  }

  /** After sleep or a hidden tab: the room is asked again; a connection that died meanwhile does not know it and is made anew. */
  async wake() {
    this.client.clock.slept();
    if (!this.client.connected) this.client.socket.connect();
    else if ((await this.client.emit("ping", {}, WAKE_MS)).ok) await this.join();
    else this.client.reconnect();
  }

  /** Ask for the state over HTTP; cheap when nothing has changed. */
  async poll() {
    const asked = this.client.clock.monotonic();
    const response = await this.client.fetch(`/api/rooms/${encodeURIComponent(this.ref)}`, {
      headers: this.#etag ? { "If-None-Match": this.#etag } : {},
    });
    if (response.status === 404 || response.status === 403) return this.#refused((await response.json()).error);
    if (!response.ok && response.status !== 304) throw new Error(`status ${response.status}`);
    const serverNow = response.headers.get("X-Server-Now");
    if (serverNow) this.client.clock.sample(asked, serverNow);
    if (response.status === 200) {
      const { you, ...state } = await response.json();
      this.#etag = response.headers.get("ETag"); // of what is known; a body may be cut off
      if (you && !this.client.connected) this.you = you;
      this.store.loadRoom(state);
    }
    if (!this.client.connected) this.dispatchEvent(new CustomEvent("polled", { detail: this.store.room.position }));
    this.#heard(this.client.connected && this.store.position ? "live" : "polling");
  }

  /** A timer's action by the socket, or by REST when there is none. */
  async timerAction(timerId, action, more = {}) {
    if (this.client.connected) {
      const ack = await this.client.emit("timer-action", { timerId, action, ...more }, ACT_MS);
      if (ack.error?.code === "timeout") this.wake();
      return ack;
    }
    const answer = await this.client.post(`/api/timers/${timerId}/${action}`, more);
    if (answer.ok) await this.poll().catch(() => this.#lost());
    return answer;
  }

  /** Come in anew, as somebody else: everything is told again. */
  restart() {
    this.store.forget();
    this.#etag = undefined;
    this.dispatchEvent(new Event("restarted"));
    this.client.reconnect();
  }

  /** Milliseconds left of a timer, by default of the one in front, on the server's clock; null without one. */
  remaining(timer = this.store.current()) {
    return timer ? remaining(timer, this.client.clock.now()) : null;
  }

  /**
   * Call `draw` now and whenever what a timer shows may have changed.
   * @param {(face: object|null, timer: object|undefined) => void} draw gets `countdown()` of the timer in front
   * @returns {() => void} ends it
   */
  tick(draw, everyMs = TICK_MS) {
    const show = () => {
      const timer = this.store.current();
      draw(timer ? countdown(timer, this.client.clock.now()) : null, timer);
    };
    const ticking = this.#every(everyMs, show);
    this.addEventListener("change", show);
    show();
    return () => {
      clearInterval(ticking);
      this.removeEventListener("change", show);
    };
  }

  /** Follow it no more. */
  close() {
    this.#end();
    if (this.id && this.client.connected) this.client.socket.emit("leave-room", { roomId: this.id });
  }

  #receive(name, args) {
    if (!this.#isMine(name === "user-count" ? args[1] : args[0])) return;
    this.lastHeard = Date.now();
    this.#speaks();
    this.store.apply(name, ...args);
    this.dispatchEvent(new CustomEvent(name, { detail: args[0] }));
  }

  #isHere(state) {
    return this.id === undefined ? [state.id, state.shareToken].includes(this.ref) : state.id === this.id;
  }

  #isMine(payload) {
    return Boolean(this.id) && (payload?.roomId ?? payload?.id) === this.id;
  }

  /** Nothing brings us back by itself: whom a host has removed from a public room would become a member of it by the next join. */
  #leave(reason) {
    if (this.left) return; // a question that was on its way is refused as well
    this.#end();
    this.left = reason;
    this.dispatchEvent(new CustomEvent("left", { detail: reason }));
  }

  #refused(error) {
    // Without a connection the next one joins by itself.
    if (error?.retryable) return this.#again();
    return this.#leave(error?.code ?? "refused");
  }

  #again() {
    const waiting = setTimeout(() => this.client.connected && this.join(), AGAIN_MS * (1 + Math.random()));
    this.#endings.push(() => clearTimeout(waiting));
  }

  /* A dead connection is closed only when its heartbeat is missed, after most of a minute. Until then people are told what is known. */
  async #listen() {
    if (await this.client.syncClock()) return this.#speaks();
    if (this.connection !== "live") return;
    this.#isQuiet = true;
    this.#set("stale");
  }

  #speaks() {
    if (this.#isQuiet && this.client.connected) this.#heard("live");
  }

  #lost() {
    if (this.client.connected) return; // what failed was asked before
    this.#isQuiet = false;
    this.#offline ??= Date.now();
    if (this.connection === "live") this.#set("stale");
  }

  #heard(connection) {
    this.lastHeard = Date.now();
    if (connection === "live") this.#offline = undefined;
    this.#isQuiet = false;
    this.#set(connection);
  }

  #set(connection) {
    if (this.connection === connection) return;
    this.connection = connection;
    this.dispatchEvent(new Event("connection"));
  }

  async #pollIfOffline() {
    if (this.client.connected || Date.now() - (this.#offline ??= Date.now()) < POLL_AFTER_MS) return;
    try {
      await this.poll();
    } catch {
      if (!this.client.connected) this.#set("stale");
    }
  }

  #wakeWithThePage() {
    const page = globalThis.document;
    const wake = () => page.hidden || this.wake();
    for (const name of page ? ["visibilitychange", "resume"] : []) {
      page.addEventListener(name, wake);
      this.#endings.push(() => page.removeEventListener(name, wake));
    }
  }

  #every(ms, action) {
    const ticking = setInterval(action, ms);
    this.#endings.push(() => clearInterval(ticking));
    return ticking;
  }

  #end() {
    for (const end of this.#endings.splice(0)) end();
  }
}

const ID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

function isId(ref) {
  return ID.test(ref);
}

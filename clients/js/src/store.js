/**
 * What a client knows of one room: the state, the messages, and the position in both streams.
 *
 * Every durable event carries its stream's number. The next one is applied, an older one is dropped. A jump asks for a repair from the
 * position before it; what lies beyond waits until the repair has settled at the head that the server read (a number without an
 * event is legal).
 */
import { front } from "./front.js";

export class RoomStore extends EventTarget {
  room = null;
  messages = [];
  users = [];
  userCount = 0;
  typing = new Map();
  /** How far others have read, by person: `{messageId, readAt}`, of my messages. */
  reads = new Map();
  position = null;
  #waiting = null;

  /** @param {() => void} repair asks the server for what is missing */
  constructor(repair) {
    super();
    this.repair = repair;
  }

  /** Take over a whole room state (`room-state`). */
  load(state) {
    this.#take(state);
    this.settle(state.position);
    this.#changed("room");
  }

  /** Take over a room state that came without its messages: rendered into a page, or polled. What is known of the chat stays. */
  loadRoom(state) {
    if (this.#isOvertaken(state.position)) return;
    this.#take(state);
    const { position } = this;
    if (position?.epoch === state.position.epoch) this.settle({ ...state.position, chat: position.chat });
    else this.position = this.#waiting = null;
    this.#changed("room");
  }

  /** Where we are counts no more: the next join brings everything. */
  forget() {
    this.position = this.#waiting = null;
  }

  /* An answer that came behind newer events, or behind the answer to a later question. */
  #isOvertaken({ epoch, room }) {
    const known = this.position ?? this.room?.position;
    return epoch === known?.epoch && room < known.room;
  }

  /** Put in a message that is known otherwise than by an event: from an answer, or a page. */
  putMessage(message) {
    const known = this.messages.find(({ id }) => id === message.id);
    if (known && known.changeSeq > message.changeSeq) return;
    HANDLERS["message-received"](this, message);
    this.#changed("messages");
  }

  #take(state) {
    this.room = { ...this.room, ...state };
    this.userCount = state.userCount;
  }

  /** Take over what comes with a join. */
  welcome({ users, messages, recovered }) {
    this.users = users ?? this.users;
    this.typing.clear();
    if (!recovered && messages) this.messages = [...messages];
    this.#changed("users", "typing", "messages");
  }

  /** Put an older page before what is known. */
  prepend(page) {
    const known = new Set(this.messages.map(({ id }) => id));
    this.messages = [...page.filter(({ id }) => !known.has(id)), ...this.messages].sort(inOrder);
    this.#changed("messages");
  }

  /** Apply one event of this room. Returns false when it was old or must wait for a repair. */
  apply(name, payload, ...more) {
    const handler = HANDLERS[name];
    if (!handler) return true;
    if (!this.#isNext(name, payload, more)) return false;
    handler(this, payload, ...more);
    this.#changed(handler.changes);
    return true;
  }

  timer(id) {
    return this.room?.timers.find((timer) => timer.id === id);
  }

  /** The timer that a stage shows: see `front`. */
  current() {
    return front(this.room?.timers ?? []);
  }

  /** The idle timer that follows the current one. */
  upcoming() {
    const now = this.current();
    return this.room?.timers.find((timer) => timer.state === "idle" && (!now || timer.position > now.position));
  }

  /** What `next` would start: the first behind the current one that has not finished. */
  following() {
    const now = this.current();
    return this.room?.timers.find((timer) => now && timer.state !== "finished" && timer.position > now.position);
  }

  /** A repair is over: everything up to `position` is known; go on with what waited behind it. */
  settle(position) {
    this.position = { ...position };
    const waiting = this.#waiting ?? [];
    this.#waiting = null;
    for (const event of waiting) this.apply(...event);
  }

  #isNext(name, payload, more) {
    const [stream, number] = numberOf(payload);
    if (!stream || !this.position) return true;
    const next = this.position[stream] + 1;
    if (number === next) this.position[stream] = number;
    if (number > next) this.#wait([name, payload, ...more]);
    return number === next;
  }

  #wait(event) {
    const first = this.#waiting === null;
    this.#waiting ??= [];
    this.#waiting.push(event);
    if (first) this.repair();
  }

  #changed(...what) {
    for (const name of new Set(what)) this.dispatchEvent(new Event(name));
    this.dispatchEvent(new Event("change"));
  }
}

function numberOf(payload) {
  if (payload?.changeSeq !== undefined) return ["chat", payload.changeSeq];
  if (payload?.seq !== undefined) return ["room", payload.seq];
  return [null, 0];
}

function inOrder(a, b) {
  return (a.seq ?? Infinity) - (b.seq ?? Infinity);
}

function handler(changes, apply) {
  return Object.assign(apply, { changes });
}

const putTimer = handler("timers", (store, timer) => {
  const others = store.room.timers.filter(({ id }) => id !== timer.id);
  store.room.timers = [...others, timer].sort((a, b) => a.position - b.position);
});

const putMessage = handler("messages", (store, message) => {
  const index = store.messages.findIndex(
    ({ id, clientMessageId }) => id === message.id || (clientMessageId && clientMessageId === message.clientMessageId),
  );
  if (index >= 0) store.messages = store.messages.map((known, at) => (at === index ? message : known));
  else store.messages = [...store.messages, message].sort(inOrder);
  if (message.user) store.typing.delete(message.userId);
});

const HANDLERS = {
  "timer-created": putTimer,
  "timer-update": putTimer,
  "timer-finished": putTimer,
  "timer-deleted": handler("timers", (store, { timerId }) => {
    store.room.timers = store.room.timers.filter(({ id }) => id !== timerId);
  }),
  "room-updated": handler("room", (store, { seq, ...room }) => {
    store.room = { ...store.room, ...room };
  }),
  "room-deleted": handler("room", (store) => {
    store.room = { ...store.room, deleted: true };
  }),
  "stage-update": handler("stage", (store, { roomId, seq, ...stage }) => {
    store.room.stage = stage;
  }),
  "user-count": handler("users", (store, count) => {
    store.userCount = count;
  }),
  "user-joined-room": handler("users", (store, { user }) => {
    store.users = [...store.users.filter(({ id }) => id !== user.id), user];
  }),
  "user-left-room": handler("users", (store, { userId }) => {
    store.users = store.users.filter(({ id }) => id !== userId);
  }),
  "user-typing": handler("typing", (store, { userId, username }) => {
    store.typing.set(userId, username);
  }),
  "user-stopped-typing": handler("typing", (store, { userId }) => {
    store.typing.delete(userId);
  }),
  "message-read": handler("reads", (store, { userId, messageId, readAt }) => {
    store.reads.set(userId, { messageId, readAt });
  }),
  "message-received": putMessage,
  "message-edited": putMessage,
  "message-deleted": handler("messages", (store, { messageId }) => {
    store.messages = store.messages.map((message) =>
      message.id === messageId ? { ...message, content: "", attachment: null, deletedAt: message.deletedAt ?? new Date().toISOString() } : message,
    );
  }),
};

export const ROOM_EVENTS = Object.keys(HANDLERS);

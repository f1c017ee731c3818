/** The conversation on the viewer and control pages; its logic is clients/js/src/chat.js, this is what is seen of it. */
import { Conversation } from "../client/chat.js";
import { upload } from "../client/upload.js";
import { asksToBan, asksToDelete } from "./ask.js";
import { drawMessage, keyOf, lookOf } from "./chat_message.js";
import { Mutes } from "./chat_mutes.js";
import { Composer } from "./chat_compose.js";
import { openFiles } from "./chat_viewer.js";
import { guest } from "./connect.js";
import { kept } from "./kept.js";
import { leave } from "./site.js";
import { t, why } from "./texts.js";

const NEAR_PX = 80;
const MUTE_MS = 600_000;
const ALT_LENGTH = 500;
const SEARCH_PAUSE_MS = 250;
const SHOWN_TYPING = 3;
const $ = (id) => document.getElementById(id);

const nameOf = ({ user }) => user?.name ?? t("chat.left");

export class Chat {
  #log = $("chat-log");
  #drawn = new Map();
  #voted = new Set();
  #votes = 0;
  #show = "all";
  #found;
  #loading = false;
  /** Whether somebody has just picked a nickname: the field they want to write in next is not there yet. */
  #enters = false;
  /** Whether people read at the end, as of their last scrolling: what comes in while the log is hidden must not undo it. */
  #follows = true;

  /** @param {import("../client/index.js").Room} room @param {{toStage?: (text: string) => void}} [host] */
  constructor(room, { toStage } = {}) {
    this.room = room;
    this.toStage = toStage;
    this.talk = new Conversation(room, { storage: kept.forGood });
    this.mutes = new Mutes(room, () => this.draw());
    this.composer = new Composer({
      people: () => room.store.users.filter(({ id }) => id !== this.talk.me),
      send: (...what) => this.#send(...what),
      edit: (...what) => this.talk.edit(...what),
      upload: (file, { alt, ...options }) => upload(room.client, room.id, file, { alt: alt.slice(0, ALT_LENGTH), ...options }),
      typing: () => this.talk.typing(),
    });
    this.talk.addEventListener("change", () => this.draw());
    this.talk.addEventListener("state", () => this.#drawState());
    room.addEventListener("joined", () => this.#findVotes());
    room.store.addEventListener("typing", () => this.#drawTyping());
    room.addEventListener("connection", () => this.#drawTyping());
    room.store.addEventListener("room", () => this.#drawRoom());
    this.#log.addEventListener("scroll", () => this.#scrolled());
    this.#log.addEventListener("click", ({ target }) => this.#act(target.closest("[data-act]")));
    $("chat-new").addEventListener("click", () => this.#toEnd());
    $("chat-guest").addEventListener("submit", (event) => this.#enter(event));
    $("chat-leave").addEventListener("click", () => this.#leave());
    $("chat-tabs").addEventListener("click", ({ target }) => this.#showOnly(target.closest("[data-show]")));
    document.querySelector('.sections a[href="#chat"]')?.addEventListener("click", (event) => this.#comeToWrite(event));
    this.#followSearch();
    openFiles(this.#log, room.client);
    document.addEventListener("visibilitychange", () => this.#markRead());
    if (room.connection === "live") this.#findVotes();
    // A room that is polled says so when it has changed: what it said before anybody listened is said again.
    if (room.connection === "polling") room.dispatchEvent(new CustomEvent("polled", { detail: room.store.room.position }));
    this.#drawTyping();
    this.#drawState();
  }

  /** Put what changed on the page and keep the place where people read. */
  draw() {
    const messages = this.#found ?? this.#wanted();
    const fresh = new Map();
    for (const message of messages) fresh.set(keyOf(message), this.#item(message));
    for (const [key, { item }] of this.#drawn) if (!fresh.has(key)) item.remove();
    const { activeElement: held } = document;
    const { firstElementChild: top } = this.#log;
    const topWas = this.#loading && top?.offsetTop;
    let before = top;
    for (const { item } of fresh.values()) {
      if (item === before) before = before.nextElementSibling;
      else this.#log.insertBefore(item, before);
    }
    const grew = fresh.size > this.#drawn.size;
    this.#drawn = fresh;
    if (this.#log.contains(held)) held.focus({ preventScroll: true }); // what is moved loses it
    if (this.#loading && top?.isConnected) this.#log.scrollTop += top.offsetTop - topWas;
    this.#drawEmpty(messages.length);
    if (this.#follows) this.#toEnd();
    else if (grew && !this.#loading) $("chat-new").hidden = false;
  }

  #wanted() {
    // A line of something that was undone was never said.
    const messages = this.talk.messages.filter(({ messageType, deletedAt }) => messageType !== "system" || !deletedAt);
    if (this.#show === "all") return messages;
    const questions = messages.filter(({ messageType, deletedAt }) => messageType === "question" && !deletedAt);
    return questions.sort((a, b) => (b.votes ?? 0) - (a.votes ?? 0) || (a.seq ?? Infinity) - (b.seq ?? Infinity));
  }

  /** The element of a message: what is there is changed and not replaced, as somebody may be pressing a button of it. */
  #item(message) {
    const context = this.#contextOf(message);
    const look = lookOf(message, context);
    const known = this.#drawn.get(keyOf(message));
    if (known?.look === look) return known;
    return { item: drawMessage(message, context, known?.item), look };
  }

  #contextOf(message) {
    const { me, messages } = this.talk;
    const isMine = message.userId === me;
    const mine = this.room.store.users.find(({ id }) => id === me);
    return {
      isMine,
      mutedUntil: this.mutes.until(message.userId),
      mayAct: this.#mayAct(message, isMine),
      quoted: message.replyTo ? messages.find(({ id }) => id === message.replyTo) : undefined,
      voted: this.#voted.has(message.id),
      mentionsMe: Boolean(mine) && !isMine && message.content.toLowerCase().includes(`@${mine.username.toLowerCase()}`),
    };
  }

  #mayAct(message, isMine) {
    if (message.pending) return message.error ? ["retry", "discard"] : [];
    if (message.deletedAt || message.messageType === "system") return [];
    const isHost = ["host", "owner"].includes(this.room.you.role);
    const over = isHost && !isMine && message.userId ? [this.mutes.until(message.userId) ? "unmute" : "mute", "ban"] : [];
    const own = isMine && message.messageType !== "stage" ? ["edit"] : [];
    const seen = isMine && this.room.store.room.settings.receipts ? ["seen"] : [];
    const gone = isMine || isHost ? ["delete"] : [];
    return ["vote", "reply", ...own, ...seen, ...(this.toStage ? ["stage"] : []), ...gone, ...over];
  }

  async #act(button) {
    const item = button?.closest(".message");
    if (!item) return;
    const message = (this.#found ?? this.talk.messages).find((candidate) => keyOf(candidate) === item.dataset.key);
    leave(button.closest("details"));
    const answer = await this.#do(button.dataset.act, message, item);
    this.composer.say(answer?.ok === false ? why(answer.error) : "");
  }

  #do(act, message, item) {
    const { client, id } = this.room;
    const isGuest = message.user?.isGuest;
    const actions = {
      reply: () => this.composer.about({ kind: "reply", message }),
      edit: () => this.composer.about({ kind: "edit", message }),
      delete: async () => (message.userId === this.talk.me || (await asksToDelete(nameOf(message)))) && this.talk.delete(message.id),
      stage: () => this.toStage(message.content),
      retry: () => this.talk.retry(message.clientMessageId),
      discard: () => this.talk.discard(message.clientMessageId),
      vote: () => this.#vote(message),
      seen: () => this.#showSeen(message, item),
      mute: () => this.mutes.mute(message, MUTE_MS),
      unmute: () => this.mutes.mute(message, 0),
      ban: async () => {
        const more = await asksToBan(nameOf(message), { isGuest });
        return more && client.post(`/api/rooms/${id}/bans`, { [isGuest ? "guestId" : "userId"]: message.userId, ...more });
      },
    };
    return actions[act]();
  }

  async #vote(message) {
    const withdraws = this.#voted.has(message.id);
    const { ok, error, ...fresh } = await this.room.client.call(withdraws ? "DELETE" : "PUT", `/api/messages/${message.id}/vote`);
    if (!ok) return { ok, error };
    if (withdraws) this.#voted.delete(message.id);
    else this.#voted.add(message.id);
    this.#votes += 1;
    this.room.store.putMessage(fresh);
    this.draw();
    return { ok };
  }

  /** What one has voted for, from this device or another; asked again where one voted before the answer was there. */
  async #findVotes() {
    if (!this.talk.canRead) return;
    const votes = this.#votes;
    const { ok, items } = await this.room.client.call("GET", `/api/rooms/${this.room.id}/votes?limit=100`);
    if (!ok) return;
    if (votes !== this.#votes) return this.#findVotes();
    this.#voted = new Set(items.map(({ messageId }) => messageId));
    this.draw();
  }

  async #showSeen(message, item) {
    const answer = await this.room.client.call("GET", `/api/messages/${message.id}/receipts`);
    const names = answer.items?.map(({ name }) => name).join(", ");
    if (answer.ok) item.querySelector(".status").textContent = names ? t("chat.seen_by", { names }) : t("chat.seen_by_nobody");
    return answer;
  }

  #send(...what) {
    this.#showOnly($("chat-tabs").querySelector('[data-show="all"]'));
    this.talk.send(...what);
    this.#toEnd();
  }

  /** A ban that is lifted is a change of the room. */
  async #drawRoom() {
    this.#drawState();
    if (await guest.asksAgain()) this.#drawState();
  }

  #drawState() {
    const { canRead } = this.talk;
    if (canRead === undefined) return;
    const { settings } = this.room.store.room;
    const isHost = ["host", "owner"].includes(this.room.you.role);
    const isOpen = { open: true, members: this.room.you.role !== "guest", hosts: isHost, closed: false }[settings.chatMode];
    this.#log.hidden = !canRead;
    $("chat-tabs").hidden = $("chat-search").hidden = !canRead;
    this.composer.allow(canRead && isOpen, settings.uploads && this.room.you.role !== "guest");
    if (this.#enters && canRead) this.#beginToWrite();
    if (canRead) this.#enters = false;
    $("chat-guest").hidden = canRead || !settings.guests || guest.out() === "banned";
    $("chat-me").hidden = !canRead || !guest.name();
    $("chat-me").firstElementChild.textContent = t("chat.as", { name: guest.name() });
    $("chat-note").textContent = this.#note(canRead, isOpen, settings);
    this.draw();
  }

  #beginToWrite() {
    $("chat-text").focus({ preventScroll: true });
    $("chat-compose").scrollIntoView({ block: "nearest", behavior: "instant" });
  }

  /** On a phone the log and the field are higher than what is left of the screen: who comes here sees the newest and where to write. */
  #comeToWrite(event) {
    if ($("chat-compose").hidden) return;
    event.preventDefault();
    this.#log.focus({ preventScroll: true });
    $("chat").scrollIntoView({ block: "end" });
  }

  #note(canRead, isOpen, settings) {
    if (!canRead && guest.out()) return t(`chat.${guest.out()}`);
    if (!canRead) return t(settings.guests ? "chat.pick" : "chat.members_only");
    return isOpen ? "" : t("chat.hosts_only");
  }

  #drawEmpty(count) {
    const nothing = t("chat.nothing");
    if (this.talk.canRead && !this.#found && !count) $("chat-note").textContent = nothing;
    else if (this.talk.canRead && count && $("chat-note").textContent === nothing) $("chat-note").textContent = "";
  }

  /** Who writes. Without a connection nobody knows; that is said instead where one writes, as the header's sign may be out of sight. */
  #drawTyping() {
    const line = $("chat-typing");
    const names = [...this.room.store.typing.values()];
    const how = names.length > SHOWN_TYPING ? "many" : names.length > 1 ? "more" : "one";
    const isLost = this.room.connection === "stale";
    line.classList.toggle("connection", isLost);
    line.dataset.state = this.room.connection;
    line.textContent = isLost ? t("connection.stale") : names.length ? t(`chat.typing_${how}`, { names: names.slice(0, SHOWN_TYPING).join(", ") }) : "";
  }

  async #enter(event) {
    event.preventDefault();
    const name = event.target.elements.name.value.trim();
    const answer = await this.room.client.post(`/api/rooms/${this.room.ref}/guests`, { name });
    if (!answer.ok) return void ($("chat-note").textContent = why(answer.error));
    guest.enter(answer);
    this.room.restart();
    this.#enters = true;
  }

  /**
   * Whoever sits here now is not that guest: nobody is any more, and the nickname is free. The token is forgotten first: all tabs are
   * told of the leaving and load anew, this one maybe before it has an answer.
   */
  async #leave() {
    const headers = { Authorization: `Bearer ${guest.token()}` };
    guest.forget();
    await this.room.client.fetch(`/api/rooms/${this.room.id}/guests/${this.talk.me}`, { method: "DELETE", headers }).catch(() => undefined);
    this.room.restart();
  }

  #showOnly(button) {
    if (!button) return;
    this.#show = button.dataset.show;
    for (const tab of $("chat-tabs").children) tab.setAttribute("aria-pressed", String(tab === button));
    this.draw();
  }

  #followSearch() {
    const field = $("chat-query");
    let soon;
    const search = async () => {
      const words = field.value.trim();
      const answer = words ? await this.talk.search(words) : undefined;
      if (words !== field.value.trim()) return;
      this.#found = answer?.ok ? answer.items : undefined;
      $("chat-note").textContent = answer ? (answer.ok ? t("chat.found", { n: answer.items.length }) : why(answer.error)) : "";
      this.draw();
    };
    field.addEventListener("input", () => {
      clearTimeout(soon);
      soon = setTimeout(search, SEARCH_PAUSE_MS);
    });
    $("chat-search").addEventListener("submit", (event) => {
      event.preventDefault();
      search();
    });
  }

  #isAtEnd() {
    const { scrollHeight, scrollTop, clientHeight } = this.#log;
    return scrollHeight - scrollTop - clientHeight < NEAR_PX;
  }

  #toEnd() {
    this.#follows = true;
    this.#log.scrollTop = this.#log.scrollHeight;
    $("chat-new").hidden = true;
    this.#markRead();
  }

  #markRead() {
    if (!document.hidden && this.talk.canRead && this.#isAtEnd()) this.talk.markRead();
  }

  async #scrolled() {
    this.#follows = this.#isAtEnd();
    if (this.#follows) {
      $("chat-new").hidden = true;
      this.#markRead();
    }
    if (this.#log.scrollTop > NEAR_PX || this.#loading || !this.talk.hasOlder || this.#found || this.#show !== "all") return;
    this.#loading = true;
    this.#log.setAttribute("aria-busy", "true");
    await this.talk.older();
    this.#log.removeAttribute("aria-busy");
    this.#loading = false;
  }
}

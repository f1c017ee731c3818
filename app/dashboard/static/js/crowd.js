/**
 * The viewer page for a crowd `/r/<shareToken>/crowd`: it polls what any cache can answer, and needs no socket. It looks like a
 * room to the clock: a store, a clock, and the events of timers that began.
 */
import { RoomStore } from "../client/store.js";
import { Clockface } from "./clockface.js";
import { showConnection } from "./connection.js";
import { CrowdClock } from "./crowd_clock.js";
import { offerSmallWindow } from "./pip.js";
import { followRun } from "./run_list.js";
import "./site.js";

const POLL_MS = 1_000;
const JITTER_MS = 500;
const SLOWEST_MS = 10_000;
const LOST_MS = 5_000;
const page = document.querySelector("script[data-ref]");
const $ = (id) => document.getElementById(id);

class CrowdRoom extends EventTarget {
  store = new RoomStore(() => {});
  client = { clock: new CrowdClock() };
  connection = "connecting";
  #etag;
  #failures = 0;
  #heardAt = 0;
  #next;
  #asking;

  /** Ask now, and again a little later; each at their own pace, so that a crowd does not ask in step. */
  async poll() {
    clearTimeout(this.#next);
    this.#asking?.abort(); // a page that was asleep may wait for ever
    const asking = (this.#asking = new AbortController());
    this.#next = setTimeout(() => this.poll(), SLOWEST_MS);
    this.client.clock.slept();
    await this.#ask(asking.signal).then(() => this.#heard(), () => this.#lost());
    if (asking !== this.#asking) return;
    clearTimeout(this.#next);
    const pause = Math.min(SLOWEST_MS, POLL_MS * 2 ** this.#failures) + Math.random() * JITTER_MS;
    this.#next = setTimeout(() => this.poll(), pause);
  }

  async #ask(signal) {
    const { clock } = this.client;
    const asked = clock.monotonic();
    const response = await fetch(`/api/crowd/${encodeURIComponent(page.dataset.ref)}`, {
      signal,
      credentials: "omit",
      cache: "no-store",
      headers: this.#etag ? { "If-None-Match": this.#etag } : {},
    });
    if (response.status === 404) location.reload();
    if (!response.ok && response.status !== 304) throw new Error(`status ${response.status}`);
    clock.sample(asked, response.headers);
    if (response.status === 304) return;
    this.#take(await response.json());
    this.#etag = response.headers.get("ETag"); // of what is known; a body may be cut off
  }

  /** A timer that has begun says so as it would over a socket, with the moment it did: where that is not long ago, the clock waits
      for the same moment as all other screens. */
  #take(state) {
    const running = new Set(this.store.room.timers.filter((timer) => timer.state === "running").map(({ id }) => id));
    this.store.loadRoom(state);
    for (const timer of state.timers) {
      if (timer.state !== "running" || running.has(timer.id)) continue;
      this.dispatchEvent(new CustomEvent("timer-update", { detail: { ...timer, serverNow: timer.updatedAt } }));
    }
  }

  #heard() {
    this.#failures = 0;
    this.#heardAt = performance.now();
    this.#set("live");
  }

  #lost() {
    this.#failures += 1;
    if (performance.now() - this.#heardAt > LOST_MS) this.#set("stale");
  }

  #set(connection) {
    if (this.connection === connection) return;
    this.connection = connection;
    this.dispatchEvent(new Event("connection"));
  }
}

const room = new CrowdRoom();
room.store.addEventListener("room", () => {
  const { stage, name } = room.store.room;
  $("stage-message").textContent = stage.visible ? stage.text : "";
  $("room-name").textContent = name;
});
document.addEventListener("visibilitychange", () => document.hidden || room.poll());

const clockface = new Clockface(room);
followRun($("run"), clockface);
room.store.loadRoom(JSON.parse($("room-state").textContent));
showConnection(room);
offerSmallWindow($("pip"), clockface);
room.poll();
export { room };

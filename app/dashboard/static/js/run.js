/** The run of show on the control page: follows what happens, counts down, shows drift, and is put in order by dragging. */
import { countdown, driftText, format, schedule } from "../client/index.js";
import { localiseFields, showTimes } from "./site.js";
import { t } from "./texts.js";

const TICK_MS = 500;

export class Run {
  #place = document.getElementById("run-place");
  #shape = "";
  #dragged;

  /** @param {import("../client/index.js").Room} room @param {(answer: object) => void} report shows what became of an action */
  constructor(room, report) {
    this.room = room;
    this.report = report;
    this.#followDragging();
    setInterval(() => this.tick(), TICK_MS);
    this.tick();
  }

  /** The states are kept up to date in place; the list is fetched again when timers come, go, move or are renamed. */
  async draw() {
    const { timers } = this.room.store.room;
    const shape = shapeOf(timers);
    if (this.#shape && this.#shape !== shape) {
      if (this.#isBeingEdited()) return;
      await this.#fetch();
    }
    this.#shape = shape;
    const current = this.room.store.current();
    for (const timer of timers) {
      const item = this.#item(timer);
      if (!item) continue;
      item.dataset.state = timer.state;
      item.querySelector(".state").textContent = t(`state.${timer.state}`);
      if (timer.id === current?.id) item.setAttribute("aria-current", "true");
      else item.removeAttribute("aria-current");
      showActual(item.querySelector("[data-actual]"), timer);
    }
    showTimes(this.#place);
    this.tick();
  }

  tick() {
    const now = this.room.client.clock.now();
    const timers = this.room.store.room?.timers ?? [];
    const drifts = schedule(timers, this.#planned(), now);
    for (const timer of timers) {
      const item = this.#item(timer);
      if (!item) continue;
      const { ms, phase } = countdown(timer, now);
      const up = phase === "overtime";
      item.querySelector("[data-left]").textContent = timer.state === "idle" ? "" : (up ? "+" : "") + format(ms, { up });
      showDrift(item.querySelector("[data-drift]"), drifts.get(timer.id));
    }
  }

  #item(timer) {
    return this.#place.querySelector(`li[data-id="${timer.id}"]`);
  }

  #planned() {
    return new Map([...this.#place.querySelectorAll("li[data-planned]")].map((li) => [li.dataset.id, Date.parse(li.dataset.planned)]));
  }

  async #fetch() {
    const response = await this.room.client.fetch(this.#place.dataset.url, { headers: { Accept: "text/html" } });
    if (!response.ok) return;
    const held = this.#place.contains(document.activeElement) && document.activeElement.closest("li")?.dataset.id;
    this.#place.innerHTML = await response.text();
    localiseFields(this.#place);
    // Who goes by keyboard stays at the timer that they were at, wherever it is now.
    if (held) this.#item({ id: held })?.querySelector("summary").focus();
  }

  /** What somebody is typing into the list is not taken away from them; the list follows when they are done. */
  #isBeingEdited() {
    const editing = this.#place.querySelector("details[open] input:focus, details[open] select:focus");
    editing?.addEventListener("blur", () => this.draw(), { once: true });
    return Boolean(editing);
  }

  /** By the grip; the arrows in the menu do the same without a mouse. */
  #followDragging() {
    this.#place.addEventListener("dragstart", (event) => {
      this.#dragged = event.target.closest("li");
      event.dataTransfer.effectAllowed = "move";
      event.dataTransfer.setDragImage(this.#dragged, 12, 12);
    });
    this.#place.addEventListener("dragover", (event) => {
      const over = event.target.closest("#run-list > li");
      if (!this.#dragged || !over) return;
      event.preventDefault();
      event.dataTransfer.dropEffect = "move";
      if (over === this.#dragged) return;
      const box = over.getBoundingClientRect();
      over[event.clientY > box.top + box.height / 2 ? "after" : "before"](this.#dragged);
    });
    this.#place.addEventListener("drop", (event) => event.preventDefault());
    this.#place.addEventListener("dragend", ({ dataTransfer }) => {
      this.#dragged = undefined;
      this.#reorder(dataTransfer.dropEffect !== "none");
    });
  }

  /** Ask for the order that the list shows; where it was not wanted, or not given, the list goes back to what is. */
  async #reorder(isWanted) {
    const ids = [...this.#place.querySelectorAll("#run-list > li")].map((item) => item.dataset.id);
    const answer = isWanted && (await this.room.client.call("PUT", `/api/rooms/${this.room.id}/timers/order`, { ids }));
    if (answer) this.report(answer);
    if (answer?.ok) return;
    await this.#fetch();
    await this.draw();
  }
}

function shapeOf(timers) {
  return JSON.stringify(timers.map(({ id, title, duration, startsAt, onFinish }) => [id, title, duration, startsAt, onFinish]));
}

function showActual(place, timer) {
  const known = place.querySelector("time")?.dateTime ?? null;
  if (known === timer.startTimestamp) return;
  place.textContent = timer.startTimestamp ? `${t("began")} ` : "";
  if (!timer.startTimestamp) return;
  const time = document.createElement("time");
  time.dateTime = timer.startTimestamp;
  time.dataset.clock = "";
  place.append(time);
}

function showDrift(place, driftMs) {
  const text = driftText(driftMs);
  if (place.textContent === text) return;
  place.hidden = !text;
  place.textContent = text;
  place.dataset.late = String(driftMs > 0);
}

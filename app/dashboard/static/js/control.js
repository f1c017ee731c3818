/** The control page: forms become live actions, the list follows what happens, wherever it was done. */
import { countdown, format } from "../client/index.js";
import { Clockface } from "./clockface.js";
import { openRoom, showConnection } from "./connect.js";

const MINUTE_MS = 60_000;
const MORE = { plus: ["adjust", { deltaMs: MINUTE_MS }], minus: ["adjust", { deltaMs: -MINUTE_MS }] };
const room = openRoom();
const $ = (id) => document.getElementById(id);

async function act(form) {
  const { timer, action } = form.dataset;
  const [name, more] = MORE[action] ?? [action, {}];
  const answer = await room.timerAction(timer, name, more);
  $("action-error").textContent = answer.ok ? "" : answer.error.message;
}

document.addEventListener("submit", (event) => {
  const form = event.target.closest("form[data-action]");
  if (!form || form.dataset.action === "delete") return;
  event.preventDefault();
  act(form);
});

/* The list: its states are kept up to date in place, and it is fetched again when timers come, go, move or are renamed. */
let shape = "";
const shapeOf = (timers) => JSON.stringify(timers.map(({ id, title, duration, startsAt, onFinish }) => [id, title, duration, startsAt, onFinish]));

async function drawRun() {
  const { timers } = room.store.room;
  const wanted = shapeOf(timers);
  if (shape && shape !== wanted) await fetchRun();
  shape = wanted;
  const current = room.store.current();
  for (const timer of timers) {
    const item = document.querySelector(`#run-list > li[data-id="${timer.id}"]`);
    if (!item) continue;
    item.dataset.state = timer.state;
    item.querySelector(".state").textContent = timer.state;
    item.toggleAttribute("aria-current", timer.id === current?.id);
    if (timer.id === current?.id) item.setAttribute("aria-current", "true");
  }
  pointMainActions(current);
}

async function fetchRun() {
  const response = await room.client.fetch($("run-place").dataset.url);
  if (response.ok) $("run-place").innerHTML = await response.text();
}

function pointMainActions(current) {
  $("main-acts").hidden = !current;
  if (!current) return;
  $("main-acts").dataset.state = current.state;
  for (const form of $("main-acts").querySelectorAll("form")) form.dataset.timer = current.id;
}

function drawPeople() {
  $("user-count").textContent = room.store.userCount;
  $("people-list").replaceChildren(
    ...room.store.users.map((person) => {
      const item = document.createElement("li");
      item.textContent = person.name || person.username;
      return item;
    }),
  );
}

/* What is left of every running timer, once a second; the big clock has its own beat. */
setInterval(() => {
  const now = room.client.clock.now();
  for (const timer of room.store.room?.timers ?? []) {
    const place = document.querySelector(`#run-list > li[data-id="${timer.id}"] [data-left]`);
    if (!place) continue;
    const { ms, phase } = countdown(timer, now);
    place.textContent = timer.state === "idle" ? "" : (phase === "overtime" ? "+" : "") + format(ms, { up: phase === "overtime" });
  }
}, 1000);

/* Dragging by the grip; the arrows in the menu do the same without a mouse. */
let dragged;
$("run-place").addEventListener("dragstart", (event) => {
  dragged = event.target.closest("li");
  event.dataTransfer.effectAllowed = "move";
});
$("run-place").addEventListener("dragover", (event) => {
  const over = event.target.closest("#run-list > li");
  if (!dragged || !over || over === dragged) return;
  event.preventDefault();
  const after = event.clientY > over.getBoundingClientRect().top + over.offsetHeight / 2;
  over[after ? "after" : "before"](dragged);
});
$("run-place").addEventListener("dragend", async () => {
  const ids = [...document.querySelectorAll("#run-list > li")].map((item) => item.dataset.id);
  dragged = undefined;
  const answer = await room.client.call("PUT", `/api/rooms/${room.id}/timers/order`, { ids });
  if (!answer.ok) $("action-error").textContent = answer.error.message;
});

const KEYS = {
  " ": (timer) => room.timerAction(timer.id, timer.state === "running" ? "pause" : "start"),
  n: (timer) => room.timerAction(timer.id, "next"),
  r: (timer) => room.timerAction(timer.id, "reset"),
  ArrowRight: (timer) => room.timerAction(timer.id, "adjust", { deltaMs: MINUTE_MS }),
  ArrowLeft: (timer) => room.timerAction(timer.id, "adjust", { deltaMs: -MINUTE_MS }),
  b: () => room.client.call("PUT", `/api/rooms/${room.id}/stage`, { ...stageNow(), blackout: !room.store.room.stage.blackout }),
  f: () => room.client.post(`/api/rooms/${room.id}/stage/flash`),
};

function stageNow() {
  const { text, style, visible } = room.store.room.stage;
  return { text, style, visible };
}

document.addEventListener("keydown", (event) => {
  const typing = event.target.closest("input, textarea, select, button, summary, a, [contenteditable]");
  const key = KEYS[event.key.length === 1 ? event.key.toLowerCase() : event.key];
  const timer = room.store.current();
  if (!key || typing || event.ctrlKey || event.metaKey || event.altKey || event.repeat || !timer) return;
  event.preventDefault();
  Promise.resolve(key(timer)).then((answer) => {
    $("action-error").textContent = answer?.ok === false ? answer.error.message : "";
  });
});

$("copy-link").hidden = !navigator.clipboard;
$("copy-link").addEventListener("click", async ({ currentTarget }) => {
  await navigator.clipboard.writeText(currentTarget.dataset.link);
  currentTarget.textContent = "Copied";
});

room.store.addEventListener("change", () => {
  if (!room.store.room) return;
  drawRun();
  drawPeople();
});
room.addEventListener("left", () => location.reload());
showConnection(room);
new Clockface(room);
export { room };

/** The control page: forms become live actions, and the page follows what happens, wherever it was done. */
import { Chat } from "./chat.js";
import { Clockface } from "./clockface.js";
import { openRoom } from "./connect.js";
import { showConnection } from "./connection.js";
import { changeStage, followKeys } from "./keys.js";
import { sendLiveForms } from "./live_forms.js";
import { followQuestions, keepFresh } from "./parts.js";
import { Run } from "./run.js";
import { t, why } from "./texts.js";

const SECOND_MS = 1_000;
const MINUTE_MS = 60_000;
const UNDO_MS = 10_000;
const SINCE_EVERY_MS = 5_000;
const SCREENS_EVERY_MS = 5_000;
const MORE = { plus: ["adjust", { deltaMs: MINUTE_MS }], minus: ["adjust", { deltaMs: -MINUTE_MS }] };
const room = openRoom();
const $ = (id) => document.getElementById(id);
const say = (text) => ($("action-error").textContent = text);
const report = (answer) => say(answer.ok ? "" : why(answer.error));

/* The last action can be taken back for a while, and only then does its button do something; its place is kept. */
const undoButton = document.querySelector('#main-acts form[data-action="undo"] button');
const undoLabel = undoButton.textContent;
let undoable;
let undoEnds;

function offerUndo(timerId, leftMs = UNDO_MS) {
  clearTimeout(undoEnds);
  undoable = timerId;
  undoButton.disabled = !timerId;
  undoButton.textContent = timerId ? t("undo", { n: leftMs / SECOND_MS }) : undoLabel;
  if (!timerId) return;
  undoEnds = leftMs > SECOND_MS ? setTimeout(offerUndo, SECOND_MS, timerId, leftMs - SECOND_MS) : setTimeout(offerUndo, SECOND_MS);
}
offerUndo();

async function act(timerId, action, more = {}) {
  const answer = await room.timerAction(timerId, action, more);
  report(answer);
  if (answer.ok) offerUndo(action === "undo" ? undefined : timerId);
}

async function deleteTimer(timerId) {
  const answer = await room.client.call("DELETE", `/api/timers/${timerId}`);
  report(answer);
  if (answer.ok) offerUndo(timerId);
}

function undo() {
  if (undoable) act(undoable, "undo");
}

document.addEventListener("submit", (event) => {
  const form = event.target.closest("form[data-action]");
  if (!form) return;
  event.preventDefault();
  const { timer, action } = form.dataset;
  const [name, more] = MORE[action] ?? [action];
  if (action === "undo") undo();
  else if (action === "delete") deleteTimer(timer);
  else act(timer, name, more);
});

function pointMainActions() {
  const current = room.store.current();
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

/* The stage's form follows what other hosts do, but not under somebody's fingers. */
function drawStage() {
  const form = $("stage-form");
  const { text, visible, blackout } = room.store.room.stage;
  if (form.contains(document.activeElement)) return;
  form.elements.text.value = text;
  form.elements.visible.checked = visible;
  form.elements.blackout.checked = Boolean(blackout);
}

function drawSince() {
  const current = room.store.current();
  const since = current?.startTimestamp && room.client.clock.now() - Date.parse(current.startTimestamp);
  const minutes = Math.floor(since / MINUTE_MS);
  $("since").textContent = since === undefined || since === null ? "" : minutes ? t("since.minutes", { n: minutes }) : t("since.now");
}

keepFresh(room, $("screens"), SCREENS_EVERY_MS);
followQuestions(room, $("questions-place"));
const run = new Run(room, report);
room.store.addEventListener("change", () => {
  if (!room.store.room) return;
  run.draw();
  pointMainActions();
  drawPeople();
  drawSince();
});
room.store.addEventListener("stage", drawStage);
setInterval(drawSince, SINCE_EVERY_MS);

sendLiveForms();
followKeys(room, act, { undo, report, help: $("keys") });
$("show-keys").hidden = false;
$("show-keys").addEventListener("click", () => $("keys").showModal());
$("copy-link").hidden = !navigator.clipboard;
$("copy-link").addEventListener("click", async ({ currentTarget }) => {
  await navigator.clipboard.writeText(currentTarget.dataset.link);
  currentTarget.textContent = t("copied");
});

showConnection(room);
new Clockface(room);
new Chat(room, { toStage: (text) => changeStage(room, { text: text.slice(0, 500), visible: true }).then(report) });
export { room };

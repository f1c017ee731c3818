/** The control page: forms become live actions, and the page follows what happens, wherever it was done. */
import { asks } from "./ask.js";
import { openChat } from "./chat_later.js";
import { Clockface } from "./clockface.js";
import { openRoom } from "./connect.js";
import { showConnection } from "./connection.js";
import { changeStage, followKeys } from "./keys.js";
import { later } from "./later.js";
import { sendLiveForms } from "./live_forms.js";
import { signInLink } from "./signed_out.js";
import { leave } from "./site.js";
import { t, why } from "./texts.js";

const SECOND_MS = 1_000;
const MINUTE_MS = 60_000;
const UNDO_MS = 10_000;
const PRIMARY = ["start", "pause"];
const MORE = { plus: ["adjust", { deltaMs: MINUTE_MS }], minus: ["adjust", { deltaMs: -MINUTE_MS }] };
const STATUS = { offline: 0, unauthenticated: 401, database_unavailable: 503 };
const room = openRoom();
const $ = (id) => document.getElementById(id);
const parts = () => later(() => import("./control_later.js"));
const say = (text) => ($("action-error").textContent = text);
const report = (answer) => {
  trouble.heard(STATUS[answer.error?.code] ?? 200);
  say(answer.ok ? "" : why(answer.error));
};

/* A connection that is gone, a server whose database is, or a sign-in that is over, is said before somebody presses a button in vain, and it is over by itself:
   what was refused meanwhile is no news any more. */
const trouble = {
  status: 200,
  heard(status) {
    this.status = status;
    this.draw();
  },
  draw() {
    const what = this.what();
    const text = what.textContent ?? what;
    if ($("trouble").textContent === text) return;
    if (!text) this.end();
    $("trouble").replaceChildren(what);
  },
  what() {
    if (room.connection === "stale" || this.status === 0) return t("trouble.offline");
    if (this.status === 401) return signInLink();
    return this.status >= 500 ? t("trouble.database") : "";
  },
  end() {
    say("");
    for (const passing of document.querySelectorAll(".field-error[data-passing]")) passing.remove();
  },
};
room.addEventListener("connection", () => {
  if (room.connection === "live") trouble.status ||= 200;
  trouble.draw();
});

/* The last action can be taken back for a while, and only then does its button do something; its place is kept. */
const undoButton = document.querySelector('#main-acts form[data-action="undo"] button');
const undoWord = undoButton.querySelector(".word");
const undoLabel = undoWord.textContent;
let undoable;
let undoEnds;

function offerUndo(timerId, leftMs = UNDO_MS) {
  clearTimeout(undoEnds);
  undoable = timerId;
  undoButton.disabled = !timerId;
  undoWord.textContent = timerId ? t("undo", { n: leftMs / SECOND_MS }) : undoLabel;
  if (!timerId) return;
  undoEnds = leftMs > SECOND_MS ? setTimeout(offerUndo, SECOND_MS, timerId, leftMs - SECOND_MS) : setTimeout(offerUndo, SECOND_MS);
}
/* What led to this page may be taken back as well: a run that was replaced. A reload offers it no more. */
const { last } = undoButton.form.dataset;
offerUndo(last, UNDO_MS - SECOND_MS);
if (last) history.replaceState(null, "", location.pathname + location.hash);

async function carry(asked, undoes) {
  const answer = await asked;
  report(answer);
  if (answer.ok) offerUndo(undoes);
}

const act = (timerId, action, more) => carry(room.timerAction(timerId, action, more), action !== "undo" && timerId);

function undo() {
  if (undoable) act(undoable, "undo");
  else say(t("undo.none"));
}

/* What is asked first. Without scripts the link leads to a page that asks the same. */
document.addEventListener("click", async (event) => {
  const link = event.target.closest("a[data-ask]");
  if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  leave(link.closest("details.menu"));
  const more = await asks(link.dataset);
  if (more) (await parts()).carryOut(room, link, more, report);
});

document.addEventListener("submit", (event) => {
  const form = event.target.closest("form[data-action]");
  if (!form) return;
  event.preventDefault();
  const { timer, action } = form.dataset;
  if (action === "undo") undo();
  else if (action === "delete") carry(room.client.call("DELETE", `/api/timers/${timer}`), timer);
  else if (action === "alone") pauseOthers();
  else act(timer, ...(MORE[action] ?? [action]));
});

/* As `main_acts` renders them: each in its place in every state, and of use where it does something. */
function pointMainActions() {
  const current = room.store.current();
  $("main-acts").hidden = !current;
  if (!current) return;
  const isOver = current.state === "finished";
  const follows = Boolean(room.store.following());
  const isLast = isOver && current.onFinish === "overtime" && !follows;
  $("main-acts").dataset.state = current.state;
  for (const form of $("main-acts").querySelectorAll("form")) {
    const { action } = form.dataset;
    form.dataset.timer = current.id;
    if (action === "undo") continue;
    const button = form.querySelector("button");
    button.disabled = action === "next" ? !follows : isOver && action !== "reset";
    button.classList.toggle("primary", isOver ? action === (follows ? "next" : "reset") : PRIMARY.includes(action));
    if (action === "reset") button.querySelector(".word").textContent = t(isLast ? "act.stop" : "act.reset");
  }
  $("stop-ends").hidden = !isLast;
}

async function pauseOthers() {
  const front = room.store.current().id;
  for (const { id, state } of room.store.room.timers) if (state === "running" && id !== front) await act(id, "pause");
}

const clockface = new Clockface(room);
parts().then(({ begin }) => begin(clockface, report, trouble));
room.store.addEventListener("change", pointMainActions);

/* What helps whoever writes comes when somebody does; `was_typed.js` says so if they did before the page came anew. */
addEventListener("focusin", () => later(() => import("./written.js")), { once: true });

sendLiveForms(room, (status) => trouble.heard(status));
followKeys(room, act, { undo, report, say, help: $("keys") });
$("show-keys").hidden = false;
$("show-keys").addEventListener("click", () => $("keys").showModal());

showConnection(room);
openChat(room, { toStage: (text) => changeStage(room, { text: text.slice(0, 500), visible: true }).then(report) });
export { room };

/** The viewer page `/r/<shareToken>`: the clock, the run of show, the conversation. */
import { format } from "../client/index.js";
import { Chat } from "./chat.js";
import { Clockface } from "./clockface.js";
import { openRoom, showConnection } from "./connect.js";
import { showTimes } from "./site.js";

const room = openRoom();
const $ = (id) => document.getElementById(id);

function element(tag, text, className = "") {
  const made = document.createElement(tag);
  made.textContent = text;
  made.className = className;
  return made;
}

function runItem(timer, isCurrent) {
  const item = element("li", "", timer.state === "finished" ? "done" : "");
  if (isCurrent) item.setAttribute("aria-current", "true");
  item.append(element("span", timer.title));
  if (timer.startsAt) {
    const time = element("time", "", "small soft");
    time.dateTime = timer.startsAt;
    time.dataset.clock = "";
    item.append(time);
  }
  item.append(element("span", format(timer.duration + timer.addedMs), "digits small"));
  return item;
}

function drawRun() {
  const current = room.store.current();
  $("run").replaceChildren(...(room.store.room?.timers ?? []).map((timer) => runItem(timer, timer.id === current?.id)));
  showTimes($("run"));
}

function drawStageMessage() {
  const { stage } = room.store.room;
  $("stage-message").textContent = stage.text;
  $("stage-message").hidden = !stage.visible || !stage.text;
}

room.store.addEventListener("change", () => {
  if (!room.store.room) return;
  drawRun();
  drawStageMessage();
  $("room-name").textContent = room.store.room.name;
  $("user-count").textContent = room.store.userCount;
});

showConnection(room);
new Clockface(room);
new Chat(room);
export { room };

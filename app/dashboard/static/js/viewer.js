/** The viewer page `/r/<shareToken>`: the clock, the run of show, who is here. */
import { format } from "../client/index.js";
import { Clockface } from "./clockface.js";
import { openRoom, showConnection } from "./connect.js";

const room = openRoom();
const $ = (id) => document.getElementById(id);

function drawRun() {
  const current = room.store.current();
  $("run").replaceChildren(
    ...(room.store.room?.timers ?? []).map((timer) => {
      const item = document.createElement("li");
      const title = document.createElement("span");
      const length = document.createElement("span");
      title.textContent = timer.title;
      length.textContent = format(timer.duration + timer.addedMs);
      length.className = "digits small";
      item.classList.toggle("done", timer.state === "finished");
      if (timer.id === current?.id) item.setAttribute("aria-current", "true");
      item.append(title, length);
      return item;
    }),
  );
}

export function drawStageMessage() {
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
room.addEventListener("left", () => location.reload());

showConnection(room);
new Clockface(room);
export { room };

/** The viewer page `/r/<shareToken>`: the clock, the run of show, the conversation. */
import { openChat } from "./chat_later.js";
import { keepLine } from "./clock_line.js";
import { Clockface } from "./clockface.js";
import { openRoom } from "./connect.js";
import { showConnection } from "./connection.js";
import { offerSmallWindow } from "./pip.js";
import { followRun } from "./run_list.js";
import { reportScreen } from "./screen.js";
import "./site.js";

const room = openRoom();
const $ = (id) => document.getElementById(id);

function drawStageMessage() {
  const { stage } = room.store.room;
  $("stage-message").textContent = stage.visible ? stage.text : "";
}

room.store.addEventListener("change", () => {
  if (!room.store.room) return;
  drawStageMessage();
  $("room-name").textContent = room.store.room.name;
  $("user-count").textContent = room.store.userCount;
});

const clockface = new Clockface(room);
followRun($("run"), clockface);
keepLine($("clock"));
showConnection(room);
offerSmallWindow($("pip"), clockface);
reportScreen(room, "viewer");
openChat(room);
export { room };

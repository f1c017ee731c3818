/** What every live page begins with: the client, the room of the page, and the state it was rendered with. */
import { io } from "../vendor/socket.io.esm.min.js";
import { Client, Room } from "../client/index.js";

export function cookie(name) {
  const found = document.cookie.split("; ").find((pair) => pair.startsWith(`${name}=`));
  return found && decodeURIComponent(found.slice(name.length + 1));
}

/** @returns {Room} the room of this page, shown at once from the rendered state and followed from then on */
export function openRoom() {
  const script = document.querySelector("script[data-ref]");
  const client = new Client({ io, headers: () => ({ "X-CSRF-Token": cookie("csrf") ?? "" }) });
  const room = new Room(client, script.dataset.ref);
  const rendered = document.getElementById("room-state");
  if (rendered) room.store.load(JSON.parse(rendered.textContent));
  room.open();
  return room;
}

const CONNECTION_TEXT = {
  connecting: "Connecting",
  live: "Live",
  polling: "Slow connection",
  stale: "Connection lost, the clock runs on",
};

/** Keep an element saying how fresh the page is. */
export function showConnection(room, element = document.getElementById("connection")) {
  const show = () => {
    element.dataset.state = room.connection;
    element.textContent = CONNECTION_TEXT[room.connection];
  };
  room.addEventListener("connection", show);
  show();
}

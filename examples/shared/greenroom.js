/** What both apps have: who is signed in, the connection, and a room with its conversation. */
import { io } from "socket.io-client";
import { Client, Conversation, Session } from "greenroom-client";

const { greenroom } = await (await fetch("/config.json")).json();
export const session = new Session({ url: greenroom, storage: localStorage });
let client;
let whose;

/** The client of who is signed in; another person gets another one. */
export function connect() {
  if (whose !== session.user?.id) client?.close();
  if (!client || whose !== session.user?.id) client = new Client({ io, session });
  whose = session.user?.id;
  return client;
}

/** Follow a room; `changed` is called whenever anything of it should be drawn again. */
export function openRoom(id, changed) {
  const opening = connect().room(id);
  const opened = { talk: undefined, close: () => opening.then((room) => room.close()) };
  opening.then((room) => {
    opened.room = room;
    opened.talk = new Conversation(room, { storage: localStorage });
    for (const source of [room, opened.talk]) source.addEventListener("change", changed);
    for (const name of ["connection", "left"]) room.addEventListener(name, changed);
    changed();
  });
  return opened;
}

const GONE = { room_not_found: "There is no such room.", removed: "A host has taken you out of this room.", banned: "A host has banned you." };

/** How the room is, in words: how fresh it is, or why it is followed no more. */
export function stateOf(room) {
  if (room?.left) return GONE[room.left] ?? "This room has ended.";
  return room?.connection ?? "connecting";
}

/** Why something was refused, in words: of a form also what is wrong with which field. */
export function why({ message, details }) {
  const fields = Object.entries(details ?? {}).map(([field, whys]) => `${field}: ${[whys].flat().join(" ")}`);
  return [message, ...fields].join(" ");
}

export const isHost = (room) => ["host", "owner"].includes(room?.you.role);
export const nameOf = (message) => message.user?.name ?? "";
export const REACHED_TOP_PX = 60;

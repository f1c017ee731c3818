/** The control page by keyboard; never while somebody types, never with a modifier, never over an open dialog. */
import { t } from "./texts.js";

const MINUTE_MS = 60_000;
const TYPING = "input, textarea, select, [contenteditable]";
const PRESSED_BY_SPACE = "button, summary, a, [role=option]";

/**
 * @param {import("../client/index.js").Room} room
 * @param {(timerId: string, action: string, more?: object) => Promise<void>} act
 * @param {{undo: () => void, report: (answer: object) => void, say: (text: string) => void, help: HTMLDialogElement}} page
 */
export function followKeys(room, act, { undo, report, say, help }) {
  /* What has finished has no time left to start or to change: its host is told by which key it goes on. */
  const unlessOver = (action) => (timer) => (timer.state === "finished" ? say(t(room.store.following() ? "done.next" : "done.last")) : action(timer));
  const adjust = (deltaMs) => unlessOver((timer) => act(timer.id, "adjust", { deltaMs }));
  const keys = {
    " ": unlessOver((timer) => act(timer.id, timer.state === "running" ? "pause" : "start")),
    n: (timer) => act(timer.id, "next"),
    r: (timer) => act(timer.id, "reset"),
    z: undo,
    ArrowRight: adjust(MINUTE_MS),
    ArrowLeft: adjust(-MINUTE_MS),
    b: () => changeStage(room, { blackout: !room.store.room.stage.blackout }).then(report),
    f: () => room.client.post(`/api/rooms/${room.id}/stage/flash`).then(report),
    "?": () => help.showModal(),
  };
  /* Who clicks with a pointer lets go of what was clicked: Space is the show's, and must not press that again. */
  document.addEventListener("click", ({ detail, target }) => {
    if (detail && !target.closest("dialog")) target.closest(PRESSED_BY_SPACE)?.blur();
  });
  document.addEventListener("keydown", (event) => {
    const action = keys[event.key.length === 1 ? event.key.toLowerCase() : event.key];
    const timer = room.store.current();
    // A dialog that has just closed keeps the focus until the next frame: what is pressed then is meant for the page.
    const pressed = event.key === " " && !event.target.closest("dialog") && event.target.closest(PRESSED_BY_SPACE);
    const isForPage = !pressed && !event.target.closest(TYPING);
    if (!action || !isForPage || document.querySelector("dialog[open]") || event.ctrlKey || event.metaKey || event.altKey || event.repeat) return;
    if (!timer && !["?", "b", "f"].includes(event.key)) return;
    event.preventDefault();
    action(timer);
  });
}

/** Change a part of the stage and leave the rest as everybody sees it. */
export function changeStage(room, change) {
  const { text, style, visible, blackout } = room.store.room.stage;
  return room.client.call("PUT", `/api/rooms/${room.id}/stage`, { text, style, visible, blackout, ...change });
}

/** The control page by keyboard; never while somebody types, never with a modifier, never over an open dialog. */
const MINUTE_MS = 60_000;
const TYPING = "input, textarea, select, [contenteditable]";
const PRESSED_BY_SPACE = "button, summary, a, [role=option]";

/**
 * @param {import("../client/index.js").Room} room
 * @param {(timerId: string, action: string, more?: object) => Promise<void>} act
 * @param {{undo: () => void, report: (answer: object) => void, help: HTMLDialogElement}} page
 */
export function followKeys(room, act, { undo, report, help }) {
  const adjust = (deltaMs) => (timer) => act(timer.id, "adjust", { deltaMs });
  const keys = {
    " ": (timer) => act(timer.id, timer.state === "running" ? "pause" : "start"),
    n: (timer) => act(timer.id, "next"),
    r: (timer) => act(timer.id, "reset"),
    z: undo,
    ArrowRight: adjust(MINUTE_MS),
    ArrowLeft: adjust(-MINUTE_MS),
    b: () => changeStage(room, { blackout: !room.store.room.stage.blackout }).then(report),
    f: () => room.client.post(`/api/rooms/${room.id}/stage/flash`).then(report),
    "?": () => help.showModal(),
  };
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

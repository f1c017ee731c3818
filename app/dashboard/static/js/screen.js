/** This page tells the hosts how it is: the screen board of the control page shows who is behind, slow or wrong. */
import { kept } from "./kept.js";

const FIRST_MS = 500;
const FAST_MS = 2_000;
const LATE_MS = 1_000;
const ID_KEY = "greenroom:screen";

/** @param {import("../client/index.js").Room} room @param {"stage"|"viewer"} kind */
export function reportScreen(room, kind) {
  const name = new URLSearchParams(location.search).get("name")?.trim().slice(0, 40);
  let next;
  const report = async () => {
    clearTimeout(next);
    if (!room.client.connected || !room.id) return;
    const { best } = room.client.clock;
    const began = performance.now();
    const answer = await room.client.emit("screen-report", {
      roomId: room.id,
      screenId: idOfTab(),
      kind,
      ...(name ? { name } : {}),
      clock: Math.round(room.client.clock.now()),
      roundTripMs: Math.round(best?.roundTrip ?? 0),
      revision: room.store.position?.room ?? 0,
    });
    clearTimeout(next);
    // One that a stalled network brought late looks like a clock that is off: the next puts it right.
    if (performance.now() - began > LATE_MS + 2 * (best?.roundTrip ?? 0)) soon(FIRST_MS);
    else if (answer.ok && answer.againMs) soon(answer.againMs);
  };
  const soon = (ms) => {
    clearTimeout(next);
    next = setTimeout(report, ms);
  };
  room.addEventListener("joined", () => soon(FIRST_MS));
  for (const name of ["timer-update", "stage-update"]) room.addEventListener(name, () => soon(FAST_MS));
  document.addEventListener("visibilitychange", () => document.hidden || soon(FIRST_MS));
}

/** The same for as long as the tab lives, so that a reload is not another screen. */
function idOfTab() {
  const known = kept.forTab.getItem(ID_KEY);
  if (known) return known;
  const made = Array.from(crypto.getRandomValues(new Uint32Array(4)), (part) => part.toString(36)).join("-");
  kept.forTab.setItem(ID_KEY, made);
  return made;
}

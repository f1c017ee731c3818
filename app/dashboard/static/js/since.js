/** For how long the timer in front has been on. */
import { t } from "./texts.js";

const MINUTE_MS = 60_000;
const EVERY_MS = 5_000;

/** @param {import("../client/index.js").Room} room @param {HTMLElement} place says so, and keeps on doing so */
export function followSince(room, place) {
  const draw = () => {
    const current = room.store.current();
    const since = current?.startTimestamp && room.client.clock.now() - Date.parse(current.startTimestamp);
    const minutes = Math.floor(since / MINUTE_MS);
    place.textContent = since === undefined || since === null ? "" : minutes ? t("since.minutes", { n: minutes }) : t("since.now");
  };
  room.store.addEventListener("change", draw);
  setInterval(draw, EVERY_MS);
  draw();
}

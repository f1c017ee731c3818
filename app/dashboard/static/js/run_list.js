/** The run of show as viewers see it: titles, times, lengths, and where we are. */
import { format } from "../client/countdown.js";
import { showTimes } from "./site.js";

/** @param {HTMLElement} place the list @param {import("../client/index.js").RoomStore} store */
export function drawRun(place, store) {
  const current = store.current();
  place.replaceChildren(...(store.room?.timers ?? []).map((timer) => itemOf(timer, timer.id === current?.id)));
  showTimes(place);
}

function itemOf(timer, isCurrent) {
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

function element(tag, text, className = "") {
  return Object.assign(document.createElement(tag), { textContent: text, className });
}

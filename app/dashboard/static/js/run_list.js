/** The run of show as viewers see it: titles, times, lengths, and where we are. */
import { lengthText } from "../client/countdown.js";
import { plan } from "../client/schedule.js";
import { counting } from "./clockface.js";
import { showTimes } from "./site.js";

/** Keep the list as the room is. @param {HTMLElement} place @param {import("./clockface.js").Clockface} clockface of the page */
export function followRun(place, clockface) {
  const { room } = clockface;
  const timers = () => room.store.room?.timers ?? [];
  /* By how much each ran over: seen for as long as the list is, also when another one is in front. */
  const showOver = (timer, now) => {
    const over = place.children[timers().indexOf(timer)]?.querySelector(".over");
    const { text, isOver } = clockface.beside(timer, now);
    const shown = isOver ? text : "";
    if (over && over.textContent !== shown) over.textContent = shown;
  };
  const draw = () => {
    const current = room.store.current();
    const planned = plan(timers());
    place.replaceChildren(...timers().map((timer) => itemOf(timer, planned.get(timer.id), timer.id === current?.id)));
    showTimes(place);
    const now = room.client.clock.now();
    for (const timer of timers()) showOver(timer, now);
  };
  for (const name of ["room", "timers"]) room.store.addEventListener(name, draw);
  clockface.follow((now) => counting(timers()).forEach((timer) => showOver(timer, now)));
}

function itemOf(timer, planned, isCurrent) {
  const item = element("li", "", timer.state === "finished" ? "done" : "");
  if (isCurrent) item.setAttribute("aria-current", "true");
  const title = element("span", `${timer.title} `);
  title.append(element("b", "", "over small"));
  item.append(title);
  item.dataset.id = timer.id;
  if (planned !== undefined) {
    const time = element("time", "", "small soft");
    item.dataset.planned = time.dateTime = new Date(planned).toISOString();
    time.dataset.clock = "";
    item.append(time);
  }
  item.append(element("span", lengthText(timer), "digits small"));
  return item;
}

function element(tag, text, className = "") {
  return Object.assign(document.createElement(tag), { textContent: text, className });
}

/** The run of show as viewers see it: titles, times, lengths, and where we are. */
import { format, lengthText } from "../client/countdown.js";
import { overrun } from "../client/front.js";
import { showTimes } from "./site.js";
import { t } from "./texts.js";

const TICK_MS = 500;

/* When each is planned: the programme's times came with the page. */
const planned = new Map([...document.querySelectorAll("#run > [data-planned]")].map(({ dataset }) => [dataset.id, dataset.planned]));

/** Keep the list as the room is. @param {HTMLElement} place @param {import("../client/index.js").Room} room */
export function followRun(place, room) {
  const timers = () => room.store.room?.timers ?? [];
  const tick = () => timers().forEach((timer, index) => showOver(place.children[index], timer, timers(), room.client.clock.now()));
  const draw = () => {
    const current = room.store.current();
    place.replaceChildren(...timers().map((timer) => itemOf(timer, timer.id === current?.id)));
    showTimes(place);
    tick();
  };
  for (const name of ["room", "timers"]) room.store.addEventListener(name, draw);
  setInterval(tick, TICK_MS);
}

/* By how much each ran over: seen for as long as the list is, also when another one is in front. */
function showOver(item, timer, timers, now) {
  const over = item && overrun(timer, timers, now);
  const text = over === undefined ? "" : t("over", { time: format(over, { up: true }) });
  const place = item?.querySelector(".over");
  if (place && place.textContent !== text) place.textContent = text;
}

function itemOf(timer, isCurrent) {
  const item = element("li", "", timer.state === "finished" ? "done" : "");
  if (isCurrent) item.setAttribute("aria-current", "true");
  const title = element("span", `${timer.title} `);
  title.append(element("b", "", "over small"));
  item.append(title);
  item.dataset.id = timer.id;
  const at = timer.startsAt ?? planned.get(timer.id);
  if (at) {
    const time = element("time", "", "small soft");
    item.dataset.planned = time.dateTime = at;
    time.dataset.clock = "";
    item.append(time);
  }
  item.append(element("span", lengthText(timer), "digits small"));
  return item;
}

function element(tag, text, className = "") {
  return Object.assign(document.createElement(tag), { textContent: text, className });
}

/** Parts of a page that the server renders: asked for again, and put in place where they changed. */
import { isSignedOut } from "./signed_out.js";
import { showTimes } from "./site.js";

const [GATHER_MS, LONGEST_MS] = [250, 2_000];

let asked = 0;
const shown = new WeakMap(); // of each part, the number of the question whose answer is there

/** A menu that is open, a button that is being pressed, an entry that is dragged, a dialog that asks: nothing may move under it. */
export function isInUse(place) {
  return place.querySelector("details.menu[open], .dragged") || place.matches(":active") || document.querySelector("dialog[open]");
}

/** Put the part's newest form in place; what somebody is reading by keyboard stays under their hands. Gives the answer's status, 401 after a sign-out. */
export async function refresh(room, place) {
  const number = (asked += 1);
  const response = await room.client.fetch(place.dataset.url, { headers: { Accept: "text/html" } }).catch(() => undefined);
  if (isSignedOut(response)) return 401;
  if (!response?.ok) return response?.status;
  const html = await response.text().catch(() => undefined);
  if (!html || number < shown.get(place) || isInUse(place)) return response.status;
  shown.set(place, number);
  if (place.dataset.shown !== html) put(place, html);
  return response.status;
}

function put(place, html) {
  const held = place.contains(document.activeElement) && nameOf(document.activeElement);
  const folds = [...place.querySelectorAll(".fold")].map((fold) => fold.open);
  place.dataset.shown = html;
  place.innerHTML = html;
  for (const [index, fold] of place.querySelectorAll(".fold").entries()) fold.open = folds[index] ?? fold.open;
  showTimes(place);
  if (held) focusOn(place, held);
}

/* What somebody has the focus on is found again by where its form goes, or by what it is called. */
function nameOf(part) {
  return part.closest("form")?.getAttribute("action") ?? part.getAttribute("aria-label") ?? part.textContent;
}

function focusOn(place, name) {
  const parts = [...place.querySelectorAll("summary, button, a")];
  (parts.find((part) => nameOf(part) === name) ?? parts[0])?.focus();
}

/** Do so every so often while somebody looks, and tell each time how the server answered. */
export function keepFresh(room, place, everyMs, tell) {
  setInterval(async () => document.hidden || tell(await refresh(room, place)), everyMs);
}

/** Do so when somebody comes, goes, is let in or is barred; who is here is said at once. */
export function followPeople(room, place) {
  const soon = soonRefreshing(room, place);
  let known = "";
  const follow = () => {
    drawPeople(room.store);
    const people = room.store.users.map(({ id }) => id).join();
    if (people !== known) soon();
    known = people;
  };
  room.store.addEventListener("change", follow);
  for (const name of ["room-updated", "joined"]) room.addEventListener(name, soon);
  follow();
  soon();
}

function drawPeople({ userCount, users }) {
  document.getElementById("user-count").textContent = userCount;
  document.getElementById("people-list").replaceChildren(
    ...users.map((person) => Object.assign(document.createElement("li"), { textContent: person.name || person.username })),
  );
}

/* Once for all that happens at about the same time, however long it goes on; and once more after somebody was busy with the part meanwhile. */
function soonRefreshing(room, place) {
  let due;
  let since;
  const soon = () => {
    clearTimeout(due);
    since ??= performance.now();
    due = setTimeout(act, Math.min(GATHER_MS, since + LONGEST_MS - performance.now()));
  };
  const act = async () => {
    since = undefined;
    if (!isInUse(place)) await refresh(room, place);
    if (isInUse(place)) soon();
  };
  return soon;
}

/** Do so when a question was asked, voted for, changed or deleted, and after a time away. */
export function followQuestions(room, place) {
  const soon = soonRefreshing(room, place);
  for (const name of ["message-received", "message-edited"]) {
    room.addEventListener(name, ({ detail }) => detail.messageType === "question" && soon());
  }
  for (const name of ["message-deleted", "joined"]) room.addEventListener(name, soon);
  if (room.store.room) soon();
}

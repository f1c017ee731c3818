/** Parts of a page that the server renders: asked for again, and put in place where they changed. */
const GATHER_MS = 250;

/** Put the part's newest form in place; what somebody is reading by keyboard stays under their hands. */
export async function refresh(room, place) {
  const response = await room.client.fetch(place.dataset.url, { headers: { Accept: "text/html" } }).catch(() => undefined);
  if (!response?.ok) return;
  const html = await response.text();
  if (place.dataset.shown === html) return;
  const held = place.contains(document.activeElement) && document.activeElement.closest("form")?.getAttribute("action");
  const isOpen = Boolean(place.querySelector("details[open]"));
  place.dataset.shown = html;
  place.innerHTML = html;
  if (isOpen) place.querySelector("details")?.setAttribute("open", "");
  if (held) (place.querySelector(`form[action="${held}"] button`) ?? place.querySelector("button"))?.focus();
}

/** Do so every so often while somebody looks. */
export function keepFresh(room, place, everyMs) {
  setInterval(() => document.hidden || refresh(room, place), everyMs);
}

/** Do so when a question was asked, voted for, changed or deleted, and after a time away. */
export function followQuestions(room, place) {
  let due;
  const soon = () => {
    clearTimeout(due);
    due = setTimeout(() => refresh(room, place), GATHER_MS);
  };
  for (const name of ["message-received", "message-edited"]) {
    room.addEventListener(name, ({ detail }) => detail.messageType === "question" && soon());
  }
  room.addEventListener("message-deleted", soon);
  room.addEventListener("joined", soon);
}

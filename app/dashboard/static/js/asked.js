/** What was asked and meant: carried out by the API, and shown. */
import { leaveBy } from "./connect.js";
import { refresh } from "./parts.js";

const $ = (id) => document.getElementById(id);

/**
 * @param {import("../client/index.js").Room} room
 * @param {HTMLAnchorElement} link says what to call (`data-api`), and where to go or what to show anew then (`data-then`)
 * @param {object} more goes along with the parameters of the link's address
 * @param {(answer: object) => void} report shows what became of it
 */
export async function carryOut(room, { dataset, href }, more, report) {
  const [method, path] = dataset.api.split(" ");
  const body = { ...Object.fromEntries(new URL(href).searchParams), ...more };
  const goes = dataset.then?.startsWith("/");
  const go = goes && wayTo(dataset.then);
  leaveBy(go);
  const answer = await room.client.call(method, path, method === "POST" ? body : undefined);
  report(answer);
  if (!answer.ok) return leaveBy(undefined);
  if (goes) return go();
  if (dataset.then) return showAnew(dataset.then);
  await refresh(room, $("people-place"));
  $("bans").closest("details").open ||= path.endsWith("/bans");
}

/* Gone once: who deletes a room hears of it as everybody does, and a second going would abort the first. */
function wayTo(path) {
  let isGone = false;
  return () => {
    if (!isGone) location.assign(path);
    isGone = true;
  };
}

/* The whole page has changed: its links and codes. */
function showAnew(section) {
  location.hash = section;
  location.reload();
}

/** What every live page begins with: the client, the room of the page, and the state it was rendered with. */
import { Client } from "../client/client.js";
import { Room } from "../client/room.js";
import { kept } from "./kept.js";
import { later } from "./later.js";

const page = document.querySelector("script[data-ref]");
const GUEST_KEY = `greenroom:guest:${page.dataset.ref}`;
const OUT_KEY = `greenroom:out:${page.dataset.ref}`;
const BANNED_KEY = `greenroom:banned:${page.dataset.ref}`;
const REFUSED = ["invalid_token", "token_expired"];

/** A cookie by its name, or by the prefixed one that it has over https. */
export function cookie(name) {
  const pairs = document.cookie.split("; ").map((pair) => pair.split("="));
  const found = pairs.find(([key]) => key === `__Host-${name}`) ?? pairs.find(([key]) => key === name);
  return found && decodeURIComponent(found[1]);
}

/** People with an account come by their cookie; a guest's token lasts as long as the tab. */
export const guest = {
  token: () => kept.forTab.getItem(GUEST_KEY) ?? undefined,
  enter: (token) => {
    kept.forTab.setItem(GUEST_KEY, token);
    kept.forTab.removeItem(OUT_KEY);
    kept.forTab.removeItem(BANNED_KEY);
  },
  /** Why a host took this tab's guest out: "banned" or "removed", or that the ban was "lifted"; undefined if none did. */
  out: () => kept.forTab.getItem(OUT_KEY) ?? undefined,
  /** Ask, with the token that is good for nothing else any more, whether the ban still holds; true when it was lifted just now. */
  async asksAgain() {
    const token = kept.forTab.getItem(BANNED_KEY);
    if (guest.out() !== "banned" || !token) return false;
    const ask = { headers: { Authorization: `Bearer ${token}` }, cache: "no-store" };
    const answer = await fetch(`/api/rooms/${page.dataset.ref}`, ask).catch(() => undefined);
    const { code, details } = answer?.status === 401 ? (await answer.json()).error : {};
    if (code !== "invalid_token" || details.guest) return false;
    kept.forTab.setItem(OUT_KEY, "lifted");
    kept.forTab.removeItem(BANNED_KEY);
    return true;
  },
  leave: () => kept.forTab.removeItem(GUEST_KEY),
};

/* The cookies are renewed, and the socket is told by a token of its own, as it cannot show new cookies. */
async function renew() {
  if (guest.token() || !cookie("csrf")) return undefined;
  const ask = (path) =>
    fetch(path, { method: "POST", body: "{}", headers: { "Content-Type": "application/json", "X-CSRF-Token": cookie("csrf") ?? "" } });
  if (!(await ask("/api/auth/refresh")).ok) return undefined;
  const answer = await ask("/api/auth/socket-token");
  return answer.ok ? (await answer.json()).token : undefined;
}

/** From now on whoever is out of the room goes to `path`, as who deletes it; undefined: as others do. */
export function leaveFor(path) {
  exit = path;
}
let exit;

/* Who is out sees what is left to them. An account that was removed does not come straight back in: whoever enters a public
   room is a member of it. */
function goOn(reason) {
  if (exit) return location.assign(exit);
  if (guest.token() && ["banned", "removed"].includes(reason)) kept.forTab.setItem(OUT_KEY, reason);
  if (guest.token() && reason === "banned") kept.forTab.setItem(BANNED_KEY, guest.token());
  if (reason === "removed" && !guest.token()) location.assign("/rooms");
  else location.reload();
}

/** @returns {Room} the room of this page, shown at once from the rendered state and followed from then on */
export function openRoom() {
  const headers = () => ({ "X-CSRF-Token": cookie("csrf") ?? "" });
  const client = new Client({ token: guest.token, renew, headers });
  const room = new Room(client, page.dataset.ref);
  const rendered = JSON.parse(document.getElementById("room-state").textContent);
  room.store.loadRoom(rendered);
  setClock(client.clock, rendered.serverNow);
  room.addEventListener("left", ({ detail: reason }) => goOn(reason));
  follow(room);
  return room;
}

/* The page itself is an answer of the server, made between its question and its first byte: the clock is right at once, whatever
   this device believes. One that comes out of the browser's store is too old for that. */
function setClock(clock, serverNow) {
  const [visit] = performance.getEntriesByType("navigation");
  if (visit?.transferSize && visit.type !== "back_forward") clock.sample(visit.requestStart, serverNow, visit.responseStart);
}

/* What the page shows and does needs no socket, so it does not wait for the library either. */
async function follow(room) {
  const { client } = room;
  const { io } = await later(() => import("../vendor/socket.io.esm.min.js"));
  client.connect(io);
  client.socket.on("connect_error", ({ data }) => {
    if (!guest.token() || !REFUSED.includes(data?.code)) return;
    guest.leave();
    client.reconnect();
  });
  room.open();
}

/** What every live page begins with: the client, the room of the page, and the state it was rendered with. */
import { Client } from "../client/client.js";
import { Room } from "../client/room.js";
import { kept } from "./kept.js";
import { later } from "./later.js";

const page = document.querySelector("script[data-ref]");
const rendered = JSON.parse(document.getElementById("room-state").textContent);
/* By the room and not by its link, which an owner may replace. */
const [GUEST_KEY, OUT_KEY, BANNED_KEY] = ["guest", "out", "banned"].map((what) => `greenroom:${what}:${rendered.id}`);
const REFUSED = ["invalid_token", "token_expired"];

/** A cookie by its name, or by the prefixed one that it has over https. */
export function cookie(name) {
  const pairs = document.cookie.split("; ").map((pair) => pair.split("="));
  const found = pairs.find(([key]) => key === `__Host-${name}`) ?? pairs.find(([key]) => key === name);
  return found && decodeURIComponent(found[1]);
}

/**
 * The guest that this browser is in this room, in all its tabs and on the next visit, until the token runs out or somebody leaves.
 * People with an account come by their cookie, and are no guest beside it.
 */
export const guest = {
  token: () => read()?.token,
  /** The nickname as the server gave it; undefined for everybody else. */
  name: () => read()?.name,
  enter({ accessToken, guest: { name } }) {
    kept.forGood.setItem(GUEST_KEY, JSON.stringify({ token: accessToken, name }));
    kept.forGood.removeItem(OUT_KEY);
    kept.forGood.removeItem(BANNED_KEY);
  },
  /** Why a host took this browser's guest out: "banned" or "removed", or that the ban was "lifted"; undefined if none did. */
  out: () => (cookie("csrf") ? undefined : (kept.forGood.getItem(OUT_KEY) ?? undefined)),
  /** A host has taken the guest out. The token of who is banned is kept, to ask by it whether the ban still holds. */
  takenOut(reason) {
    kept.forGood.setItem(OUT_KEY, reason);
    if (reason === "banned") kept.forGood.setItem(BANNED_KEY, guest.token());
  },
  /** Forget the guest whose `token` the server refuses by `error`; who was banned while nobody looked is out from now on. */
  refused(error, token = guest.token()) {
    if (!token || token !== guest.token() || !REFUSED.includes(error?.code)) return;
    if (error.details?.guest) guest.takenOut("banned");
    guest.forget();
  },
  /** Ask, with the token that is good for nothing else any more, whether the ban still holds; true when it ended just now. */
  async asksAgain() {
    const token = kept.forGood.getItem(BANNED_KEY);
    if (guest.out() !== "banned" || !token) return false;
    const { code, details } = (await refusalOf(token)) ?? {};
    if (!REFUSED.includes(code) || details?.guest) return false;
    if (code === "token_expired") kept.forGood.removeItem(OUT_KEY);
    else kept.forGood.setItem(OUT_KEY, "lifted");
    kept.forGood.removeItem(BANNED_KEY);
    return true;
  },
  forget: () => kept.forGood.removeItem(GUEST_KEY),
};

function read() {
  return cookie("csrf") ? undefined : JSON.parse(kept.forGood.getItem(GUEST_KEY));
}

/* Undefined where the server takes the token, or does not answer. */
async function refusalOf(token) {
  const ask = { headers: { Authorization: `Bearer ${token}` }, cache: "no-store" };
  const answer = await fetch(`/api/rooms/${page.dataset.ref}`, ask).catch(() => undefined);
  return answer?.status === 401 ? (await answer.json()).error : undefined;
}

/* The cookies are renewed, and the socket is told by a token of its own, as it cannot show new cookies. A guest's token is not renewed. */
async function renew() {
  const token = guest.token();
  if (token) return void guest.refused(await refusalOf(token), token);
  if (!cookie("csrf")) return undefined;
  const ask = (path) =>
    fetch(path, { method: "POST", body: "{}", headers: { "Content-Type": "application/json", "X-CSRF-Token": cookie("csrf") ?? "" } }).catch(() => ({}));
  if (!(await ask("/api/auth/refresh")).ok) return undefined;
  const answer = await ask("/api/auth/socket-token");
  return answer.ok ? (await answer.json()).token : undefined;
}

/** From now on whoever is out of the room leaves by `way`, as who deletes it; undefined: as others do. */
export function leaveBy(way) {
  exit = way;
}
let exit;

/* Who is out sees what is left to them. An account that was removed does not come straight back in: whoever enters a public
   room is a member of it. */
function goOn(reason) {
  if (exit) return exit();
  if (guest.token() && ["banned", "removed"].includes(reason)) guest.takenOut(reason);
  if (reason === "removed" && !guest.token()) location.assign("/rooms");
  else location.reload();
}

/** @returns {Room} the room of this page, shown at once from the rendered state and followed from then on */
export function openRoom() {
  if (cookie("csrf")) guest.forget();
  const headers = () => ({ "X-CSRF-Token": cookie("csrf") ?? "" });
  const client = new Client({ token: guest.token, renew, headers });
  const room = new Room(client, page.dataset.ref);
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
    if (cookie("csrf") || !REFUSED.includes(data?.code)) return;
    guest.refused(data);
    client.reconnect();
  });
  // Another tab has come in under a nickname, or left: so has this one.
  addEventListener("storage", ({ key }) => key === GUEST_KEY && room.restart());
  room.open();
}

/** What every live page begins with: the client, the room of the page, and the state it was rendered with. */
import { io } from "../vendor/socket.io.esm.min.js";
import { Client } from "../client/client.js";
import { Room } from "../client/room.js";

const page = document.querySelector("script[data-ref]");
const GUEST_KEY = `greenroom:guest:${page.dataset.ref}`;
const REFUSED = ["invalid_token", "token_expired"];

/** A cookie by its name, or by the prefixed one that it has over https. */
export function cookie(name) {
  const pairs = document.cookie.split("; ").map((pair) => pair.split("="));
  const found = pairs.find(([key]) => key === `__Host-${name}`) ?? pairs.find(([key]) => key === name);
  return found && decodeURIComponent(found[1]);
}

/** People with an account come by their cookie; a guest's token lasts as long as the tab. */
export const guest = {
  token: () => sessionStorage.getItem(GUEST_KEY) ?? undefined,
  enter: (token) => sessionStorage.setItem(GUEST_KEY, token),
  leave: () => sessionStorage.removeItem(GUEST_KEY),
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

/* Who is out sees what is left to them. An account that was removed does not come straight back in: whoever enters a public
   room is a member of it. */
function goOn(reason) {
  if (reason === "removed" && !guest.token()) location.assign("/rooms");
  else location.reload();
}

/** @returns {Room} the room of this page, shown at once from the rendered state and followed from then on */
export function openRoom() {
  const headers = () => ({ "X-CSRF-Token": cookie("csrf") ?? "" });
  const client = new Client({ io, token: guest.token, renew, headers });
  const room = new Room(client, page.dataset.ref);
  const rendered = document.getElementById("room-state");
  if (rendered) room.store.loadRoom(JSON.parse(rendered.textContent));
  client.socket.on("connect_error", ({ data }) => {
    if (!guest.token() || !REFUSED.includes(data?.code)) return;
    guest.leave();
    client.reconnect();
  });
  room.addEventListener("left", ({ detail: reason }) => goOn(reason));
  room.open();
  return room;
}

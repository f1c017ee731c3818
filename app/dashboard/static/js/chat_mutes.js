/** Who may not write for a while: hosts are told of all, once there is somebody to be told of, and take it back as well. */
const MOST = 100;
const HOSTS = ["host", "owner"];

export class Mutes {
  #until = new Map();
  #isWanted = false;

  /** @param {import("../client/index.js").Room} room @param {() => void} changed is called when somebody is muted, or is no longer */
  constructor(room, changed) {
    this.room = room;
    this.changed = changed;
    for (const name of ["joined", "room-updated"]) room.addEventListener(name, () => this.#isWanted && this.#ask());
  }

  /** Until when somebody may not write, as on the wire; undefined: they may. */
  until(personId) {
    if (!personId) return undefined;
    if (!this.#isWanted && this.room.connection === "live") this.#ask();
    this.#isWanted = true;
    const until = this.#until.get(personId);
    return until && this.#leftMs(until) > 0 ? until : undefined;
  }

  /** Let the author of a message not write for so long; 0: let them again. Resolves to the server's answer. */
  async mute({ userId, user }, forMs) {
    const { client, id } = this.room;
    const mutedUntil = forMs ? new Date(client.clock.now() + forMs).toISOString() : null;
    const answer = await client.call("PATCH", `/api/rooms/${id}/${user?.isGuest ? "guests" : "members"}/${userId}`, { mutedUntil });
    if (answer.ok) this.#learn([[userId, mutedUntil]]);
    return answer;
  }

  async #ask() {
    const { client, id, you } = this.room;
    if (!HOSTS.includes(you.role)) return;
    const lists = await Promise.all(["members", "guests"].map((kind) => client.call("GET", `/api/rooms/${id}/${kind}?limit=${MOST}`)));
    this.#learn(lists.flatMap(({ items = [] }) => items.map((person) => [person.userId ?? person.id, person.mutedUntil])));
  }

  #learn(known) {
    for (const [personId, until] of known) {
      if (until === this.#until.get(personId)) continue;
      this.#until.set(personId, until);
      if (until) setTimeout(this.changed, Math.max(0, this.#leftMs(until)));
    }
    this.changed();
  }

  #leftMs(until) {
    return Date.parse(until) - this.room.client.clock.now();
  }
}

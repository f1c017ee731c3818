// Greenroom's technique on Node: what a room was sent in one turn of the loop leaves as one write for each member.
import { createRequire } from "node:module";

const require = createRequire(import.meta.url);
const { Sender } = require("ws");

const TEXT = { fin: true, rsv1: false, mask: false, readOnly: false, opcode: 1 };

export function gatherFrames(namespace) {
  const waiting = new Map();

  function flush() {
    for (const [room, frames] of waiting) {
      const bytes = frames.length === 1 ? frames[0] : Buffer.concat(frames);
      for (const sid of namespace.adapter.rooms.get(room) ?? []) {
        const socket = namespace.sockets.get(sid);
        socket?.conn.transport.socket._socket.write(bytes);
      }
    }
    waiting.clear();
  }

  return function broadcast(room, name, payload) {
    const frame = Buffer.concat(Sender.frame(Buffer.from(`42${JSON.stringify([name, payload])}`), TEXT));
    if (waiting.size === 0) setImmediate(flush);
    const frames = waiting.get(room);
    if (frames) frames.push(frame);
    else waiting.set(room, [frame]);
  };
}

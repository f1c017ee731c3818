// The peer: Socket.IO on Node as its documentation sets it up, with the join and the durable send of Greenroom.
// Environment: PORT, DATABASE_URL, JWT_SECRET, DATABASE_CONNECTIONS; REDIS_URL (the Redis adapter), GATHER=1 (see gather.js).
import { createServer } from "node:http";
import { createHmac, randomUUID, timingSafeEqual } from "node:crypto";
import { createAdapter } from "@socket.io/redis-adapter";
import { createClient } from "redis";
import { Server } from "socket.io";
import { gatherFrames } from "./gather.js";
import { Store } from "./store.js";

const { PORT, DATABASE_URL, JWT_SECRET, REDIS_URL, GATHER, DATABASE_CONNECTIONS = "15" } = process.env;
const store = new Store(DATABASE_URL, Number(DATABASE_CONNECTIONS));

const http = createServer((request, response) => {
  response.setHeader("content-type", "application/json");
  response.end(JSON.stringify({ connections: io.engine.clientsCount, joined: io.of("/").sockets.size }));
});
const io = new Server(http, { transports: ["websocket"], perMessageDeflate: false, serveClient: false });
if (REDIS_URL) {
  const publisher = createClient({ url: REDIS_URL });
  const subscriber = publisher.duplicate();
  await Promise.all([publisher.connect(), subscriber.connect()]);
  io.adapter(createAdapter(publisher, subscriber));
}
const broadcast = GATHER ? gatherFrames(io.of("/")) : (room, name, payload) => io.to(room).emit(name, payload);
const counts = new Map();

function verified(token) {
  const [head, body, signature] = String(token).split(".");
  const expected = createHmac("sha256", JWT_SECRET).update(`${head}.${body}`).digest();
  const given = Buffer.from(signature ?? "", "base64url");
  if (given.length !== expected.length || !timingSafeEqual(given, expected)) throw new Error("invalid_token");
  const claims = JSON.parse(Buffer.from(body, "base64url").toString());
  if (claims.exp * 1000 <= Date.now()) throw new Error("token_expired");
  return claims;
}

async function identify(socket, next) {
  try {
    const { token } = socket.handshake.auth;
    socket.data.user = null;
    if (token) {
      const claims = verified(token);
      socket.data.user = await store.session(claims.sub, claims.sid);
      if (!socket.data.user) throw new Error("invalid_token");
    }
    next();
  } catch (error) {
    next(error);
  }
}

// At most once a second for each room.
function countChanged(roomId) {
  const room = counts.get(roomId);
  if (room) return;
  counts.set(roomId, setTimeout(() => {
    counts.delete(roomId);
    io.to(roomId).emit("user-count", io.of("/").adapter.rooms.get(roomId)?.size ?? 0, { roomId });
  }, 1000));
}

function messageOf(row) {
  const author = { id: row.user_id, username: row.username, name: row.name, isGuest: false };
  return wireMessage(row, row.room_id, row.user_id, author, row.content, row.message_type, row.client_message_id);
}

function wireMessage(row, roomId, userId, user, content, messageType, clientMessageId) {
  return {
    id: row.id, roomId, seq: row.seq, changeSeq: row.seq, user, userId, content, messageType, clientMessageId,
    attachment: null, replyTo: null, votes: 0, createdAt: row.created_at.toISOString(), editedAt: null, deletedAt: null,
  };
}

async function joinRoom(socket, { roomId }) {
  const userId = socket.data.user?.id ?? null;
  const room = await store.room(roomId, userId);
  if (!room || (room.is_private && !room.role)) throw new Error("room_not_found");
  const timers = await store.timers(roomId);
  const rows = room.role ? await store.recent(roomId) : [];
  const messages = rows.reverse().map(messageOf);
  await socket.join(roomId);
  countChanged(roomId);
  const position = { epoch: room.epoch, room: room.room_seq, chat: room.chat_seq };
  const userCount = io.of("/").adapter.rooms.get(roomId).size;
  const state = {
    id: room.id, name: room.name, description: room.description, isPrivate: room.is_private, ownerId: room.owner_id,
    settings: room.settings, createdAt: room.created_at, updatedAt: room.updated_at, timers, stage: room.stage, position,
    userCount, serverNow: new Date().toISOString(),
  };
  socket.emit("room-state", state);
  socket.emit("room-joined", { roomId, room: state, onlineUsers: [], users: [], messages });
  socket.emit("user-count", userCount, { roomId });
  return { room: state, users: [], messages, you: { role: room.role ?? "viewer", userId }, position, recovered: false };
}

async function sendMessage(socket, { roomId, content, messageType = "text", clientMessageId = null }) {
  const user = socket.data.user;
  const text = String(content).trim();
  if (!user || !text || text.length > 4000) throw new Error("forbidden");
  const row = await store.send({ id: randomUUID(), roomId, userId: user.id, content: text, messageType, clientMessageId });
  if (!row) throw new Error("room_not_found");
  const author = { id: user.id, username: row.username, name: row.author_name, isGuest: false };
  const message = wireMessage(row, roomId, user.id, author, text, messageType, clientMessageId);
  if (row.fresh) broadcast(roomId, "message-received", message);
  return { message };
}

function answering(socket, handler) {
  return async (payload, ack) => {
    try {
      ack?.({ ok: true, ...(await handler(socket, payload ?? {})) });
    } catch (error) {
      ack?.({ ok: false, error: { code: error.message } });
    }
  };
}

io.use(identify);
io.on("connection", (socket) => {
  socket.on("join-room", answering(socket, joinRoom));
  socket.on("send-message", answering(socket, sendMessage));
  socket.on("disconnecting", () => [...socket.rooms].filter((room) => room !== socket.id).forEach(countChanged));
});
http.listen(Number(PORT), "127.0.0.1");

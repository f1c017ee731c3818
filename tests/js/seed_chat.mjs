// Two clients of seed 004 (join-room and kebab-case events) and one of seed 003 (join_room and snake_case) in one room.
// Usage: node seed_chat.mjs <socket.io-client package> <url> <room id> <token one> <token two> <token three>
const [, , pkg, url, roomId, ...tokens] = process.argv;
const module = await import(pkg);
const io = module.io ?? module.default;
const say = (who, name, value) => console.log(JSON.stringify([who, name, value ?? null]));

function connect(who, token, names) {
  // Seed 003: "all WS connections must handshake with Authorization: Bearer"; browsers can only send auth.
  const socket = io(url, { auth: { token }, extraHeaders: { Authorization: `Bearer ${token}` }, forceNew: true });
  for (const name of names) socket.on(name, (payload) => say(who, name, payload));
  return new Promise((resolve) => socket.on("connect", () => resolve(socket)));
}

const until = (socket, name) => new Promise((resolve) => socket.once(name, resolve));
const kebab = ["message-received", "message-edited", "message-deleted", "message-read", "user-typing", "user-stopped-typing", "error"];
const [one, two] = [await connect("one", tokens[0], kebab), await connect("two", tokens[1], kebab)];
const three = await connect("three", tokens[2], ["message", "typing", "presence", "room_joined", "room_left", "error"]);

for (const socket of [one, two]) {
  const joined = until(socket, "room-joined");
  socket.emit("join-room", roomId);
  say("joined", "room-joined", Object.keys(await joined));
}
const seated = until(three, "room_joined");
three.emit("join_room", { roomId });
await seated;

let heard = Promise.all([until(two, "user-typing"), until(three, "typing")]);
one.emit("typing-start", roomId);
await heard;

heard = Promise.all([until(one, "message-received"), until(two, "message-received"), until(three, "message")]);
one.emit("send-message", { roomId, content: "from seed 004" });
const [message] = await heard;

heard = until(one, "message-read");
two.emit("mark-read", { roomId, messageId: message.id });
await heard;

heard = until(two, "message-edited");
one.emit("edit-message", { messageId: message.id, content: "edited" });
await heard;

heard = Promise.all([until(one, "message-received"), until(three, "message")]);
three.emit("send_message", { roomId, content: "from seed 003" });
await heard;

heard = until(three, "error");
three.emit("send_message", { roomId, content: "" });
await heard;

heard = until(one, "user-typing");
three.emit("typing", { roomId, isTyping: true });
await heard;
heard = until(one, "user-stopped-typing");
three.emit("typing", { roomId, isTyping: false });
await heard;

heard = until(two, "message-deleted");
one.emit("delete-message", { messageId: message.id });
await heard;

heard = until(three, "room_left");
three.emit("leave_room", { roomId });
await heard;
for (const socket of [one, two, three]) socket.disconnect();
process.exit(0);

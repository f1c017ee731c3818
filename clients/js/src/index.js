export { Conversation } from "./chat.js";
export { Client } from "./client.js";
export { Clock } from "./clock.js";
export { countdown, format, remaining } from "./countdown.js";
export { driftText, schedule } from "./schedule.js";
export { Room } from "./room.js";
export { Session } from "./session.js";
export { RoomStore } from "./store.js";
export { upload } from "./upload.js";

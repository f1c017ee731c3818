// Compiled, never run: what a TypeScript app may write, and what it may not.
import { io } from "socket.io-client";
import { Client, Conversation, Session, countdown, driftText, format, remaining, schedule, upload } from "../src/index.js";
import type { Answer, Attachment, Face, Message, RoomState, Timer } from "../src/index.js";

const session = new Session({ url: "http://localhost:3000", storage: localStorage });
const client = new Client({ io, session });

export async function use(file: File): Promise<void> {
  const signedIn = await session.login({ username: "ada", password: "…" });
  if (!signedIn.ok) throw new Error(signedIn.error.code);
  const room = await client.room(signedIn.user.id);
  const made: Answer<RoomState> = await client.post<RoomState>("/api/rooms", { name: "Hall" });
  if (made.ok) made.timers satisfies Timer[];
  const stop = room.tick((face: Face | null, timer) => console.log(timer?.title, face && format(face.ms, { tenths: true })));
  const timer = room.store.current();
  if (timer) {
    await room.timerAction(timer.id, "adjust", { deltaMs: 60_000 });
    remaining(timer, client.clock.now()) satisfies number;
    countdown(timer, 0).phase satisfies string;
    driftText(schedule([timer], new Map(), 0).get(timer.id));
  }
  const talk = new Conversation(room);
  const sent: Answer<Attachment> = await upload(client, room.ref, file, { alt: "a plan" });
  talk.send("hello", { messageType: "question", attachmentId: sent.ok ? sent.id : null });
  for (const message of talk.messages) {
    if ("pending" in message) talk.retry(message.clientMessageId);
    else message satisfies Message;
  }
  // @ts-expect-error clients may not send system messages
  talk.send("no", { messageType: "system" });
  // @ts-expect-error there is no such action
  await room.timerAction("id", "explode");
  room.left satisfies string | undefined;
  stop();
}

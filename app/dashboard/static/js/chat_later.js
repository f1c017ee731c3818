/** The conversation comes after what people came for: it has nothing to show before the room is joined. */
import { later } from "./later.js";
import { t } from "./texts.js";

/** @param {import("../client/index.js").Room} room @param {{toStage?: (text: string) => void}} [host] */
export async function openChat(room, host) {
  document.getElementById("chat-note").textContent = t("chat.connecting");
  const { Chat } = await later(() => import("./chat.js"));
  return new Chat(room, host);
}

/** One message on the page. What people wrote is only ever set as text. */
import { locale, t, why } from "./texts.js";

const CLOCK = { hour: "2-digit", minute: "2-digit" };
const template = document.getElementById("chat-message");
const QUOTE_LENGTH = 120;
const SHOWN_PX = { width: 320, height: 192 };

/** What decides how a message looks; the same text means that nothing has to be drawn again. */
export function lookOf(message, context) {
  const { content, editedAt, deletedAt, votes, pending, error } = message;
  return JSON.stringify([content, editedAt, deletedAt, votes, pending, error?.code, message.id, context.mayAct, context.voted, context.mutedUntil, context.quoted?.content]);
}

/**
 * @param {object} message
 * @param {{isMine: boolean, mayAct: string[], mutedUntil?: string, quoted?: object, voted: boolean, mentionsMe: boolean}} context
 * @param {HTMLElement} [item] the element that it has already
 * @returns {HTMLElement}
 */
export function drawMessage(message, context, item = template.content.firstElementChild.cloneNode(true)) {
  const part = (selector) => item.querySelector(selector);
  item.dataset.key = keyOf(message);
  item.dataset.kind = message.messageType;
  item.classList.toggle("mine", context.isMine);
  item.classList.toggle("mentions-me", context.mentionsMe);
  item.classList.toggle("pending", Boolean(message.pending));
  part(".author").textContent = authorOf(message, context);
  part(".guest").hidden = !message.user?.isGuest;
  part(".muted").hidden = !context.mutedUntil;
  part(".muted").textContent = context.mutedUntil ? t("chat.muted", { time: clockOf(context.mutedUntil) }) : "";
  part("time").dateTime = message.createdAt;
  part("time").textContent = clockOf(message.createdAt);
  part(".edited").hidden = !message.editedAt || Boolean(message.deletedAt);
  drawContent(part(".content"), message);
  part(".content").hidden = message.attachment?.filename === message.content; // said by the file itself
  if (message.messageType === "stage") part(".content").dataset.before = `${t("chat.on_stage")} `;
  drawFile(part(".file"), message.attachment);
  drawQuote(part(".quote"), context.quoted);
  drawVotes(part(".vote"), message, context);
  part(".status").textContent = message.error ? why(message.error) : message.pending ? t("chat.sending") : "";
  part(".status").classList.toggle("field-error", Boolean(message.error));
  drawActions(part(".menu"), message, context);
  return item;
}

function clockOf(instant) {
  return new Date(instant).toLocaleTimeString(locale, CLOCK);
}

export function keyOf(message) {
  return message.clientMessageId || message.id;
}

function authorOf(message, { isMine }) {
  if (message.messageType === "system") return "";
  return message.user?.name || t(isMine ? "chat.you" : "chat.left");
}

/* Lines that nobody typed are kept in English; these are the shapes that app/messages/lines.py gives them. */
const LINES = { started: /^“(.*)” started\.$/s, finished: /^“(.*)” finished\.$/s, joined: /^(.*) joined\.$/s };

function lineOf(content) {
  const [kind, shape] = Object.entries(LINES).find(([, candidate]) => candidate.test(content)) ?? [];
  return kind ? t(`chat.line_${kind}`, { name: shape.exec(content)[1] }) : content;
}

function drawContent(place, { content, deletedAt, messageType }) {
  place.textContent = deletedAt ? t("chat.deleted") : messageType === "system" ? lineOf(content) : content;
  place.classList.toggle("soft", Boolean(deletedAt));
}

/** Its address is signed and runs out; a picture is shown by its thumbnail, in a place of the right size before it is there. */
function drawFile(link, file) {
  if (link.dataset.id === file?.id) return;
  if (!file) return void link.replaceWith(template.content.querySelector(".file").cloneNode(true));
  link.hidden = false;
  link.href = file.url;
  Object.assign(link.dataset, { id: file.id, filename: file.filename });
  link.querySelector("span").textContent = `${file.filename} (${sizeOf(file.bytes)})`;
  const picture = link.querySelector("img");
  picture.hidden = !file.thumbnailUrl;
  picture.alt = file.alt;
  if (!file.thumbnailUrl) return;
  const scale = Math.min(1, SHOWN_PX.width / file.width, SHOWN_PX.height / file.height);
  picture.width = Math.round(file.width * scale);
  picture.height = Math.round(file.height * scale);
  picture.src = file.thumbnailUrl;
}

function sizeOf(bytes) {
  return bytes < 1_000_000 ? `${Math.ceil(bytes / 1_000)} kB` : `${(bytes / 1_000_000).toFixed(1)} MB`;
}

function drawQuote(place, quoted) {
  place.hidden = !quoted;
  place.textContent = quoted ? `${quoted.user?.name ?? ""}: ${(quoted.content || t("chat.deleted")).slice(0, QUOTE_LENGTH)}` : "";
}

function drawVotes(button, message, { voted, mayAct }) {
  button.hidden = message.messageType !== "question" || Boolean(message.deletedAt) || !mayAct.includes("vote");
  button.textContent = `▲ ${message.votes ?? 0}`;
  button.setAttribute("aria-pressed", String(voted));
  button.setAttribute("aria-label", t("chat.want", { n: message.votes ?? 0 }));
}

/* A guest's mute can be got round as a guest's ban can: hosts know before they rely on it. */
function hint() {
  return Object.assign(document.createElement("span"), { className: "small soft", textContent: t("mute.guest_text") });
}

const ACTS = ["reply", "edit", "delete", "seen", "stage", "mute", "unmute", "ban", "retry", "discard"];

function drawActions(menu, message, { mayAct }) {
  const acts = mayAct.filter((act) => ACTS.includes(act));
  menu.hidden = !acts.length;
  if (menu.dataset.acts === acts.join()) return;
  menu.dataset.acts = acts.join();
  menu.querySelector(".more").replaceChildren(
    ...acts.map((act) => {
      const button = document.createElement("button");
      button.type = "button";
      button.dataset.act = act;
      button.textContent = t(`chat.${act}`);
      if (act === "mute" && message.user?.isGuest) button.append(hint());
      if (["delete", "ban", "discard"].includes(act)) button.className = "danger";
      return button;
    }),
  );
}

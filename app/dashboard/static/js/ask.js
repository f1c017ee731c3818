/**
 * Asking before what is hard to take back. The dialog gives the focus back to what had it, Escape means no, and so does Enter
 * until somebody goes elsewhere than to the button that they find themselves on.
 */
import { t } from "./texts.js";

const dialog = document.getElementById("ask");
const form = dialog.querySelector("form");
const { reason } = form.elements;
const safe = dialog.querySelector("[value=no]"); // focused by hand: `autofocus` in a page in a frame is complained of
safe.addEventListener("click", () => dialog.close());

/**
 * @param {{ask: string, askText: string, askDo: string, askWhy?: string}} question its title, what follows from a yes, what the
 *     button says; with `askWhy`, whatever it is, there is a field for a reason
 * @returns {Promise<{reason?: string} | undefined>} what goes along with a yes; undefined: no
 */
export function asks({ ask, askText, askDo, askWhy }) {
  dialog.querySelector("h2").textContent = ask;
  dialog.querySelector("#ask-text").textContent = askText;
  dialog.querySelector("[value=yes]").textContent = askDo;
  form.reset();
  reason.closest("label").hidden = reason.disabled = askWhy === undefined;
  dialog.returnValue = "";
  dialog.showModal();
  safe.focus();
  const answer = () => (dialog.returnValue === "yes" ? why() : undefined);
  return new Promise((decide) => dialog.addEventListener("close", () => decide(answer()), { once: true }));
}

/** @param {string} name of whom @param {{isGuest?: boolean}} who @returns {Promise<{reason?: string} | undefined>} as `asks` */
export function asksToBan(name, { isGuest }) {
  return asks({ ask: t("ban.title", { name }), askText: t(isGuest ? "ban.guest_text" : "ban.text"), askDo: t("ban.do", { name }), askWhy: "" });
}

/** @param {string} name of whom @returns {Promise<object | undefined>} as `asks` */
export function asksToDelete(name) {
  return asks({ ask: t("chat.delete_whose", { name }), askText: t("chat.delete_text"), askDo: t("chat.delete") });
}

function why() {
  const text = reason.value.trim();
  return text ? { reason: text } : {};
}

/** Asking before what is done to a person. The dialog gives the focus back to what had it, and Escape means no. */
import { t } from "./texts.js";

const dialog = document.getElementById("ask");

/** @param {string} name of whom @returns {Promise<boolean>} whether they are to be banned */
export function asksToBan(name) {
  dialog.querySelector("h2").textContent = t("ban.title", { name });
  dialog.querySelector("[value=yes]").textContent = t("ban.do", { name });
  dialog.returnValue = "";
  dialog.showModal();
  return new Promise((decide) => dialog.addEventListener("close", () => decide(dialog.returnValue === "yes"), { once: true }));
}

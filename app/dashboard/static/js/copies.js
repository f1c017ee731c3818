/** Buttons that copy what they name, where the browser lets a page do so. */
import { t } from "./texts.js";

export function offerCopies() {
  for (const button of document.querySelectorAll("[data-copy]")) {
    button.hidden = !navigator.clipboard;
    button.addEventListener("click", async () => {
      await navigator.clipboard.writeText(button.dataset.copy);
      button.textContent = t("copied");
    });
  }
}

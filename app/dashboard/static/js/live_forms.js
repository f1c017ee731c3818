/**
 * Forms marked `data-live` are sent without leaving the page. They go where they would go without scripts and get the same
 * page as answer; of it only the failure, if there is one, is shown, in the form that it is about.
 */

import { t } from "./texts.js";

export function sendLiveForms() {
  document.addEventListener("submit", async (event) => {
    const form = event.target.closest("form[data-live]");
    if (!form) return;
    event.preventDefault();
    const body = new FormData(form, event.submitter);
    const failure = await send(form.action, body);
    show(form, failure);
    if (failure) return;
    close(form.closest("details.menu"));
    if (form.dataset.live !== "reset") return;
    form.reset();
    form.querySelector("input:not([type=hidden])")?.focus();
  });
}

/** Whoever is in the menu by keyboard comes out at its button: what is hidden loses the focus to the page. */
function close(menu) {
  if (menu?.contains(document.activeElement)) menu.querySelector("summary").focus();
  menu?.removeAttribute("open");
}

async function send(action, body) {
  const response = await fetch(action, { method: "POST", body, headers: { Accept: "text/html" } }).catch(() => undefined);
  if (response?.ok) return "";
  if (!response) return t("failed");
  const answer = new DOMParser().parseFromString(await response.text(), "text/html");
  const failure = answer.querySelector('.notice[role="alert"]') ?? answer.querySelector("main h1");
  return failure?.textContent.trim().replace(/\s+/g, " ") || t("failed");
}

function show(form, failure) {
  form.querySelector(":scope > .field-error")?.remove();
  if (!failure) return;
  const place = Object.assign(document.createElement("p"), { className: "field-error", textContent: failure });
  place.setAttribute("role", "alert");
  form.append(place);
}

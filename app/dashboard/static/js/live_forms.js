/**
 * Forms marked `data-live` are sent without leaving the page. They go where they would go without scripts and get the same
 * page as answer; of it only the failure, if there is one, is shown, in the form that it is about.
 */

import { isSignedOut, signInLink } from "./signed_out.js";
import { leave } from "./site.js";
import { t, why } from "./texts.js";

/** @param {(status: number) => void} tell hears that there was no answer (0), or that somebody has to sign in first (401) */
export function sendLiveForms(room, tell) {
  document.addEventListener("submit", async (event) => {
    const form = event.target.closest("form[data-live]");
    if (!form) return;
    event.preventDefault();
    const body = new FormData(form, event.submitter);
    const what = String(new URLSearchParams(body));
    if (form.dataset.live === "reset" && form.dataset.sent === what) return; // a second click adds nothing twice
    form.dataset.sent = what;
    const sent = new Map([...form.elements].map((field) => [field, field.value]));
    const { failure, isPassing, status } = await send(room, form.action, body);
    delete form.dataset.sent;
    show(form, failure, isPassing);
    if (status !== undefined) tell(status);
    if (failure) return void form.dispatchEvent(new Event("refused"));
    leave(form.closest("details.menu"));
    if (form.dataset.live === "reset") clear(form, sent);
  });
}

/** What somebody typed while the answer was on its way is not theirs to lose, nor is the focus of who went elsewhere. */
function clear(form, sent) {
  const typed = [...form.elements].filter((field) => field.value !== sent.get(field)).map((field) => [field, field.value]);
  form.reset();
  for (const [field, value] of typed) field.value = value;
  // Where nothing has the focus, the body does.
  const focused = document.activeElement;
  if (!typed.length && (form.contains(focused) || focused.contains(form))) form.querySelector("label input").focus();
}

async function send(room, action, body) {
  // Of whoever is signed in now: the token in the form is of whoever opened the page.
  const headers = { ...room.client.headers(), Accept: "text/html" };
  const response = await fetch(action, { method: "POST", body, headers }).catch(() => undefined);
  if (isSignedOut(response)) return { failure: signInLink(), isPassing: true, status: 401 };
  if (response?.ok) return { failure: "" };
  if (!response) return { failure: why({ code: "offline" }), isPassing: true, status: 0 };
  const answer = new DOMParser().parseFromString(await response.text(), "text/html");
  const failure = answer.querySelector('.notice[role="alert"]') ?? answer.querySelector("main h1");
  return { failure: failure?.textContent.trim().replace(/\s+/g, " ") || t("failed"), isPassing: response.status >= 500 };
}

function show(form, failure, isPassing) {
  form.querySelector(":scope > .field-error")?.remove();
  if (!failure) return;
  const place = Object.assign(document.createElement("p"), { className: "field-error", role: "alert" });
  place.append(failure);
  if (isPassing) place.dataset.passing = "";
  form.append(place);
}

/** The stage's form follows what is shown, whoever showed it, but a draft is nobody else's. What is written is meant to be shown. */
import { t } from "./texts.js";

const $ = (id) => document.getElementById(id);
const form = $("stage-form");
const { text: words, visible, blackout } = form.elements;
const isTicked = (box) => box.checked !== box.defaultChecked;
// Also what was written before this came, or was found again by the browser.
let isDraft = words.value !== words.defaultValue || isTicked(visible);
/* Whether the stage is dark is apart: it must not come back by what somebody was writing when a key made it so. */
let isDarkDraft = isTicked(blackout);
let drawn;

/** @param {import("../client/index.js").Room} room */
export function followStage({ store }) {
  words.addEventListener("input", () => isDraft || (visible.checked = true));
  form.addEventListener("input", ({ target }) => (target === blackout ? (isDarkDraft = true) : (isDraft = true)));
  form.addEventListener("refused", () => (isDraft = isDarkDraft = true));
  form.addEventListener("submit", ({ submitter }) => {
    isDarkDraft = false;
    isDraft &&= Boolean(submitter?.name);
  });
  words.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) form.requestSubmit();
  });
  for (const name of ["stage", "room"]) store.addEventListener(name, () => draw(store.room.stage));
  draw(store.room.stage);
}

function draw({ text, visible: isShown, blackout: isDark }) {
  const stage = JSON.stringify([text, isShown, isDark]);
  if (drawn === stage) return; // what is being sent is no draft any more, and stays in the form until it is shown
  drawn = stage;
  $("stage-now").dataset.shown = String(Boolean(isShown && text));
  document.body.classList.toggle("dark-stage", Boolean(isDark));
  $("dark-sign").textContent = isDark ? t("blackout") : "";
  $("stage-shown").textContent = text;
  if (!isDarkDraft) blackout.checked = Boolean(isDark);
  if (isDraft) return;
  words.value = text;
  visible.checked = isShown || !text;
}

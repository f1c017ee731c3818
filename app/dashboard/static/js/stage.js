/** The stage `/r/<shareToken>/stage`: big digits for a screen across the hall. Options come by URL: see docs/stage.md. */
import { Clockface } from "./clockface.js";
import { openRoom } from "./connect.js";
import { showConnection } from "./connection.js";
import { offerSmallWindow } from "./pip.js";
import { reportScreen } from "./screen.js";
import "./site.js";
import { Sound } from "./sound.js";
import { t } from "./texts.js";

const AWAKE_MS = 3_000;
const FLASH_MS = 1_600;
const options = new URLSearchParams(location.search);
const room = openRoom();
const $ = (id) => document.getElementById(id);

function applyOptions() {
  document.body.classList.toggle("mirror", options.get("mirror") === "1");
  $("mirror").setAttribute("aria-pressed", String(options.get("mirror") === "1"));
  for (const [name, property] of [["background", "--stage-background"], ["color", "--stage-ink"], ["font", "--digits-face"]]) {
    const value = options.get(name);
    if (value && CSS.supports(name === "font" ? "font-family" : "color", value)) document.body.style.setProperty(property, value);
  }
}

function draw() {
  const { stage } = room.store.room;
  $("stage-message").textContent = stage.visible ? stage.text : "";
  document.body.classList.toggle("blackout", Boolean(stage.blackout));
  const next = room.store.upcoming();
  $("next").textContent = next ? t("next", { title: next.title }) : "";
}

/* What does not fit into its place at full size is set smaller, not cut off: somebody has to read all of it. */
const [SMALLER, LEAST_PX] = [0.92, 12];
function fit(text) {
  text.style.fontSize = "";
  let size = parseFloat(getComputedStyle(text).fontSize);
  while (text.scrollHeight > text.clientHeight + 1 && size > LEAST_PX) text.style.fontSize = `${(size *= SMALLER)}px`;
}
for (const text of [$("timer-title"), $("stage-message")]) {
  new MutationObserver(() => fit(text)).observe(text, { childList: true, characterData: true });
  addEventListener("resize", () => fit(text));
  document.fonts.ready.then(() => fit(text));
}

let flashEnds;
function flash() {
  clearTimeout(flashEnds);
  document.body.classList.remove("flash");
  void document.body.offsetWidth;
  document.body.classList.add("flash");
  flashEnds = setTimeout(() => document.body.classList.remove("flash"), FLASH_MS);
}

/* Buttons show while the pointer moves; a stage has no pointer. */
let asleep;
function wakeUp() {
  document.body.classList.add("awake");
  clearTimeout(asleep);
  asleep = setTimeout(() => {
    if (document.activeElement?.closest(".stage-buttons")) wakeUp();
    else document.body.classList.remove("awake");
  }, AWAKE_MS);
}

/* The screen stays on; a lock is lost when the page is hidden, and asked for again when it comes back. */
async function keepScreenOn() {
  const mayNot = document.featurePolicy?.allowsFeature("screen-wake-lock") === false; // in a frame it is the outer page's
  if (document.hidden || !navigator.wakeLock || mayNot) return;
  await navigator.wakeLock.request("screen").catch(() => {});
}

room.store.addEventListener("change", () => room.store.room && draw());
room.addEventListener("flash", flash);
document.addEventListener("visibilitychange", keepScreenOn);
for (const kind of ["pointermove", "pointerdown", "keydown", "focusin"]) document.addEventListener(kind, wakeUp);
$("full-screen").addEventListener("click", () =>
  document.fullscreenElement ? document.exitFullscreen() : document.documentElement.requestFullscreen(),
);
$("mirror").addEventListener("click", ({ currentTarget }) => {
  currentTarget.setAttribute("aria-pressed", String(document.body.classList.toggle("mirror")));
});

applyOptions();
showConnection(room);
const clockface = new Clockface(room, { tenths: options.get("tenths") ?? "auto", mode: options.get("mode") ?? "left" });
$("mode").value = clockface.mode;
$("mode").addEventListener("change", ({ currentTarget }) => (clockface.mode = currentTarget.value));
new Sound(room, $("sound"));
offerSmallWindow($("pip"), clockface);
reportScreen(room, "stage");
keepScreenOn();
export { room };

/** The stage `/r/<shareToken>/stage`: big digits for a screen across the hall. Options come by URL: see docs/stage.md. */
import { Clockface } from "./clockface.js";
import { openRoom, showConnection } from "./connect.js";

const AWAKE_MS = 3_000;
const options = new URLSearchParams(location.search);
const room = openRoom();
const $ = (id) => document.getElementById(id);

function applyOptions() {
  document.body.classList.toggle("mirror", options.get("mirror") === "1");
  for (const [name, property] of [["background", "--stage-background"], ["color", "--stage-ink"], ["font", "--mono"]]) {
    const value = options.get(name);
    if (value && CSS.supports(name === "font" ? "font-family" : "color", value)) document.body.style.setProperty(property, value);
  }
}

function draw() {
  const { stage, name } = room.store.room;
  $("stage-message").textContent = stage.text;
  $("stage-message").hidden = !stage.visible || !stage.text;
  document.body.classList.toggle("blackout", Boolean(stage.blackout));
  const next = room.store.upcoming();
  $("next").textContent = next ? `Next: ${next.title}` : "";
  if (!room.store.current()) $("timer-title").textContent = name;
}

function flash() {
  document.body.classList.remove("flash");
  void document.body.offsetWidth;
  document.body.classList.add("flash");
}

/* Buttons show while the pointer moves; a stage has no pointer. */
let asleep;
function wakeUp() {
  document.body.classList.add("awake");
  clearTimeout(asleep);
  asleep = setTimeout(() => document.body.classList.remove("awake"), AWAKE_MS);
}

/* The screen stays on; a lock is lost when the page is hidden, and asked for again when it comes back. */
async function keepScreenOn() {
  if (document.hidden || !navigator.wakeLock) return;
  await navigator.wakeLock.request("screen").catch(() => {});
}

let audio;
function beep(phase) {
  if (!audio || !["warn", "finished", "overtime"].includes(phase)) return;
  const tone = audio.createOscillator();
  tone.frequency.value = phase === "warn" ? 660 : 440;
  tone.connect(audio.destination);
  tone.start();
  tone.stop(audio.currentTime + 0.35);
}

room.store.addEventListener("change", () => room.store.room && draw());
room.addEventListener("flash", flash);
document.addEventListener("phase", ({ detail }) => beep(detail));
document.addEventListener("visibilitychange", keepScreenOn);
for (const kind of ["pointermove", "pointerdown", "keydown"]) document.addEventListener(kind, wakeUp);
$("full-screen").addEventListener("click", () =>
  document.fullscreenElement ? document.exitFullscreen() : document.documentElement.requestFullscreen(),
);
$("mirror").addEventListener("click", ({ currentTarget }) => {
  currentTarget.setAttribute("aria-pressed", document.body.classList.toggle("mirror"));
});
$("sound").addEventListener("click", ({ currentTarget }) => {
  audio = audio ? void audio.close() : new AudioContext();
  currentTarget.setAttribute("aria-pressed", Boolean(audio));
});

applyOptions();
showConnection(room);
new Clockface(room, { tenths: options.get("tenths") ?? "auto" });
keepScreenOn();
export { room };

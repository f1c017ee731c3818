/**
 * The clock in a small window above everything else: a document of its own where the browser has that, else a video of a
 * drawing. The small window draws on its own beat: the page behind it may be hidden, and its timers slowed down.
 */
const SIZE = { width: 360, height: 150 };
const DRAW_EVERY_MS = 100;

/** @param {HTMLButtonElement} button shown where the browser can @param {import("./clockface.js").Clockface} clockface */
export function offerSmallWindow(button, clockface) {
  const video = "documentPictureInPicture" in window ? undefined : document.createElement("video");
  if (video && !(document.pictureInPictureEnabled && video.requestPictureInPicture)) return;
  button.hidden = false;
  button.addEventListener("click", () => (video ? openVideo(video, clockface) : openDocument(clockface)).catch(() => {}));
}

async function openDocument(clockface) {
  const small = await documentPictureInPicture.requestWindow(SIZE);
  for (const link of document.querySelectorAll('link[rel="stylesheet"]')) small.document.head.append(link.cloneNode());
  const [title, digits] = ["p", "p"].map((tag) => small.document.createElement(tag));
  title.className = "small";
  digits.className = "digits";
  small.document.body.className = "small-window";
  small.document.body.append(title, digits);
  const draw = () => {
    clockface.draw();
    const { face } = clockface;
    if (title.textContent !== face["timer-title"]) title.textContent = face["timer-title"] ?? "";
    if (digits.textContent !== face.digits) digits.textContent = face.digits ?? "";
    small.document.body.dataset.phase = face.state;
    small.requestAnimationFrame(draw);
  };
  draw();
}

async function openVideo(video, clockface) {
  const canvas = Object.assign(document.createElement("canvas"), SIZE);
  const draw = () => paint(canvas, clockface);
  draw();
  const again = setInterval(draw, DRAW_EVERY_MS);
  video.addEventListener("leavepictureinpicture", () => clearInterval(again), { once: true });
  video.muted = true;
  video.srcObject = canvas.captureStream();
  await video.play();
  await video.requestPictureInPicture();
}

function paint(canvas, clockface) {
  clockface.draw();
  const pen = canvas.getContext("2d");
  const { face } = clockface;
  pen.fillStyle = "#000";
  pen.fillRect(0, 0, canvas.width, canvas.height);
  pen.fillStyle = { warn: "#ffd479", danger: "#ff8a80", overtime: "#ff6a5e", finished: "#ff6a5e" }[face.state] ?? "#fff";
  pen.textAlign = "center";
  pen.font = "600 18px system-ui";
  pen.fillText(face["timer-title"] ?? "", canvas.width / 2, 32, canvas.width - 20);
  pen.font = "600 84px ui-monospace, monospace";
  pen.fillText(face.digits ?? "", canvas.width / 2, 120, canvas.width - 20);
}

// Seeds 000 and 001 as their documents write them, unchanged but for the URL and for printing what they see.
// Usage: node seed_viewer.mjs <socket.io-client package> <url> <share token> <admin token> <timer id>
const [, , pkg, url, shareToken, adminToken, timerId] = process.argv;
const module = await import(pkg);
const io = module.io ?? module.default;
const say = (name, value) => console.log(JSON.stringify([name, value ?? null]));

// Seed 001, "Admin timer control".
async function startTimer(timerId) {
  const response = await fetch(`${url}/api/timers/${timerId}/start`, {
    method: "POST",
    headers: {
      "Authorization": `Bearer ${adminToken}`,
      "Content-Type": "application/json",
    },
  });
  if (!response.ok) {
    throw new Error("Failed to start timer");
  }
}

let started = false;
const socket = io(url);

socket.on("connect", () => {
  socket.emit("join-room", shareToken);
});
socket.on("room-state", async (roomData) => {
  say("room-state", { name: roomData.name, timers: roomData.timers.length, shareToken: roomData.shareToken });
  if (started) return; // request-sync brings the state again
  started = true;
  socket.emit("ping");
  socket.emit("request-sync");
  await startTimer(timerId);
});
socket.on("timer-update", (updatedTimer) => {
  const { id, isActive, startTimestamp, endTimestamp, duration } = updatedTimer;
  say("timer-update", { id, isActive, lasts: new Date(endTimestamp) - new Date(startTimestamp), duration });
});
socket.on("timer-finished", (timer) => {
  say("timer-finished", { id: timer.id, isActive: timer.isActive });
  socket.disconnect();
  process.exit(0);
});
socket.on("user-count", (count) => say("user-count", count));
socket.on("error", (error) => say("error", error));
setTimeout(() => process.exit(1), 20000);

/** The run of show is put in order by dragging a timer's grip; the arrows in its menu do the same without a mouse. */

/** @param {import("./run.js").Run} run @param {HTMLElement} place where its list is */
export function followDragging(run, place) {
  let dragged;
  place.addEventListener("dragstart", (event) => {
    dragged = event.target.closest("li");
    dragged.classList.add("dragged");
    event.dataTransfer.effectAllowed = "move";
    event.dataTransfer.setDragImage(dragged, 12, 12);
  });
  place.addEventListener("dragover", (event) => {
    const over = event.target.closest("#run-list > li");
    if (!dragged || !over) return;
    event.preventDefault();
    event.dataTransfer.dropEffect = "move";
    if (over === dragged) return;
    const box = over.getBoundingClientRect();
    over[event.clientY > box.top + box.height / 2 ? "after" : "before"](dragged);
  });
  place.addEventListener("drop", (event) => event.preventDefault());
  place.addEventListener("dragend", ({ dataTransfer }) => {
    dragged?.classList.remove("dragged");
    dragged = undefined;
    reorder(run, place, dataTransfer.dropEffect !== "none");
  });
}

/** Ask for the order that the list shows; where it was not wanted, or not given, the list goes back to what is. */
async function reorder(run, place, isWanted) {
  const ids = [...place.querySelectorAll("#run-list > li")].map((item) => item.dataset.id);
  const answer = isWanted && (await run.room.client.call("PUT", `/api/rooms/${run.room.id}/timers/order`, { ids }));
  if (answer) run.report(answer);
  if (answer?.ok) return;
  run.drawAnew();
}

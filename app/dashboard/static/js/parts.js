/** Parts of a page that the server renders: asked for again, and put in place where they changed. */

/** Put the part's newest form in place; what somebody is using at this moment is left to them. */
export async function refresh(room, place) {
  const response = await room.client.fetch(place.dataset.url, { headers: { Accept: "text/html" } }).catch(() => undefined);
  if (!response?.ok || place.contains(document.activeElement)) return;
  const html = await response.text();
  if (place.dataset.shown === html) return;
  place.dataset.shown = html;
  place.innerHTML = html;
}

/** Do so every so often while somebody looks. */
export function keepFresh(room, place, everyMs) {
  setInterval(() => document.hidden || refresh(room, place), everyMs);
}

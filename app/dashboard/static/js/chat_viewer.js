/** Files in messages, opened: pictures in a viewer above the page, and whatever address has run out in the meantime renewed. */
const LASTS_MS = 300_000; // half of what addresses live by default
const dialog = document.getElementById("chat-viewer");
const picture = dialog.querySelector("img");
const save = dialog.querySelector("a");

/**
 * @param {HTMLElement} log where messages are
 * @param {import("../client/index.js").Client} client
 */
export function openFiles(log, client) {
  const seen = new Map();
  let shown;

  /** An address that works now: the message's own while it is fresh, else a copy that this page holds. */
  async function address({ href, dataset }) {
    if (!seen.has(href)) seen.set(href, performance.now());
    if (performance.now() - seen.get(href) < LASTS_MS) return href;
    return (await copyOf(dataset.id)) ?? href;
  }

  async function copyOf(id) {
    const answer = await client.fetch(`/api/attachments/${id}`).catch(() => undefined);
    return answer?.ok ? URL.createObjectURL(await answer.blob()) : undefined;
  }

  async function show(link) {
    if (!link) return;
    shown = link;
    picture.alt = link.querySelector("img").alt;
    dialog.querySelector("figcaption").textContent = picture.alt;
    for (const button of dialog.querySelectorAll("[data-step]")) button.hidden = !beside(Number(button.dataset.step));
    const url = await address(link);
    if (shown !== link) return;
    picture.src = save.href = url;
    save.download = link.dataset.filename;
    if (!dialog.open) dialog.showModal();
  }

  function beside(step) {
    const all = [...log.querySelectorAll("a.file:not([hidden]):has(img:not([hidden]))")];
    return all[all.indexOf(shown) + step];
  }

  log.addEventListener("click", async (event) => {
    const link = event.target.closest("a.file");
    if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
    if (!link.querySelector("img").hidden) {
      event.preventDefault();
      show(link);
    } else if (performance.now() - (seen.get(link.href) ?? performance.now()) >= LASTS_MS) {
      event.preventDefault();
      const copy = Object.assign(document.createElement("a"), { href: await address(link), download: link.dataset.filename });
      copy.click();
    }
  });
  new MutationObserver(() => {
    for (const link of log.querySelectorAll("a.file[href]")) if (!seen.has(link.href)) seen.set(link.href, performance.now());
  }).observe(log, { childList: true, subtree: true, attributeFilter: ["href"] });
  log.addEventListener("error", (event) => renew(event.target), true); // does not bubble
  dialog.addEventListener("click", ({ target }) => {
    if (target === dialog) dialog.close();
    else if (target.dataset.step) show(beside(Number(target.dataset.step)));
  });
  dialog.addEventListener("keydown", ({ key }) => {
    const step = { ArrowLeft: -1, ArrowRight: 1 }[key];
    if (step) show(beside(step));
  });
  picture.addEventListener("error", () => {
    const small = shown?.querySelector("img").src; // always of a kind that browsers draw
    if (small && picture.src !== small) picture.src = small;
  });
  dialog.addEventListener("close", () => shown?.focus());

  /** A thumbnail that was first scrolled to after its address had run out. */
  async function renew(image) {
    const link = image.closest?.("a.file");
    if (!link || image.dataset.renewed) return;
    image.dataset.renewed = "yes";
    const copy = await copyOf(link.dataset.id);
    if (copy) image.src = link.href = copy;
  }
}

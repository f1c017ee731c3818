/** What a page can do without at first: asked for behind what its own script does, and again until it is there. */
const AGAIN_MS = 3_000;

/** @template T @param {() => Promise<T>} load imports a module @returns {Promise<T>} */
export async function later(load) {
  await new Promise(queueMicrotask); // no timer: that would wait for the first paint as well
  for (;;) {
    const module = await load().catch(() => undefined);
    if (module) return module;
    await new Promise((resolve) => setTimeout(resolve, AGAIN_MS));
  }
}

/**
 * What this device keeps for a page. In a frame of another site browsers may refuse that: then it is kept as long as the page is.
 * Asked for when it is first needed: until then the browser need not look for it.
 */
const found = {};
export const kept = {
  get forTab() {
    return (found.forTab ??= storage("sessionStorage"));
  },
  get forGood() {
    return (found.forGood ??= storage("localStorage"));
  },
};

function storage(name) {
  try {
    return window[name];
  } catch {
    const values = new Map();
    return {
      getItem: (key) => values.get(key) ?? null,
      setItem: (key, value) => values.set(key, value),
      removeItem: (key) => values.delete(key),
    };
  }
}

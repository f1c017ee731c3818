/** What scripts say, in the page's language: the catalogue's `js.` texts, which come along with the page. */
const texts = JSON.parse(document.getElementById("texts")?.textContent ?? "{}");
const lang = document.documentElement.lang;

/** The text of `key` with its `{places}` filled in. */
export function t(key, values = {}) {
  return (texts[key] ?? key).replace(/\{(\w+)\}/g, (place, name) => values[name] ?? place);
}

/** Why something was refused: in the page's language where the catalogue has it, else as the server said. */
export function why(error) {
  return texts[`error.${error.code}`] ?? error.message;
}

/** How dates are written: as this device does, unless the page speaks another language than the device. */
export const locale = navigator.language?.startsWith(lang) ? undefined : lang;

/**
 * On a phone the viewer's clock goes up with the page until one line of it is left, which stays: the time, and the title or what the
 * host says. The card keeps its height all the while, so that nothing below it moves; viewer.css does the rest.
 */
const LEAVES_PX = 28; // what may go before the large digits would be cut

/** @param {HTMLElement} clock */
export function keepLine(clock) {
  const isLine = () => "line" in clock.dataset;
  new ResizeObserver(() => isLine() || clock.style.setProperty("--full", `${clock.getBoundingClientRect().height}px`)).observe(clock);
  addEventListener("scroll", () => clock.toggleAttribute("data-line", clock.getBoundingClientRect().top < -LEAVES_PX), { passive: true });
}

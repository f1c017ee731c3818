/** The start page: its two screens count down, together of course. */
import { format } from "../client/countdown.js";
import "./site.js";

const LENGTH_MS = 754_000;
const digits = document.querySelectorAll("[data-demo]");
const began = performance.now();

setInterval(() => {
  const left = LENGTH_MS - ((performance.now() - began) % LENGTH_MS);
  for (const place of digits) place.textContent = format(left);
}, 250);

/** Somebody was writing when the page came anew: what `typed.js` kept is brought back as if they had gone on. */
import { kept } from "./kept.js";

if (kept.forTab.getItem(location.pathname)) dispatchEvent(new Event("focusin"));

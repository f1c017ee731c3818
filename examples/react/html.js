/** React's markup without a build step. */
import htm from "htm";

export const { useEffect, useLayoutEffect, useReducer, useRef, useState } = globalThis.React;
export const html = htm.bind(globalThis.React.createElement);

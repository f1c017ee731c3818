/** What the control page can do without until its clock ticks and its buttons work, as one file. */
export { followPeople, followQuestions, keepFresh, refresh } from "./parts.js";
export { followDragging } from "./run_order.js";

/** What the control page can do without until its clock ticks and its buttons work, as one file: the run follows it then. */
export { carryOut } from "./asked.js";
export { followPeople, followQuestions, keepFresh } from "./parts.js";
export { offerCopies } from "./copies.js";
export { Run } from "./run.js";
export { followSince } from "./since.js";
export { followStage } from "./stage_form.js";

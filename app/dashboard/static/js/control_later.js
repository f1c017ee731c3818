/** What the control page can do without until its clock ticks and its buttons work, as one file: the run follows it then. */
import { offerCopies } from "./copies.js";
import { followPeople, followQuestions, keepFresh } from "./parts.js";
import { Run } from "./run.js";
import { followSince } from "./since.js";
import { followStage } from "./stage_form.js";
import "./was_typed.js";

export { carryOut } from "./asked.js";

const SCREENS_EVERY_MS = 5_000;
const $ = (id) => document.getElementById(id);

/** @param {import("./clockface.js").Clockface} clockface @param {(answer: object) => void} report @param {{heard: (status: number) => void}} trouble */
export function begin(clockface, report, trouble) {
  const { room } = clockface;
  new Run(clockface, report);
  followStage(room);
  keepFresh(room, $("screens"), SCREENS_EVERY_MS, (status) => status && trouble.heard(status));
  followQuestions(room, $("questions-place"));
  followPeople(room, $("people-place"));
  followSince(room, $("since"));
  offerCopies();
}

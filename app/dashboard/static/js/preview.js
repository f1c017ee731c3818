/** What a file holds: which room or day of it is asked for anew as soon as it is chosen, and one finds oneself at the same choice. */
import "./site.js";

const ask = document.getElementById("ask-again");
if (ask) ask.hidden = true;
for (const choice of document.querySelectorAll(".choices select")) {
  if (location.hash === `#${choice.id}`) choice.focus();
  choice.addEventListener("change", () => {
    choice.form.action = `${choice.form.action.split("#")[0]}#${choice.id}`;
    choice.form.requestSubmit();
  });
}

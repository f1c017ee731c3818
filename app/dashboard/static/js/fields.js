/** What a field came with, and whether somebody has changed it since. */
const isTick = ({ type }) => type === "checkbox";

/** The option that a choice came with: the first where none was chosen. */
export const givenOption = ({ options }) => [...options].find((option) => option.defaultSelected) ?? options[0];
export const givenOf = (field) => (isTick(field) ? field.defaultChecked : (field.defaultValue ?? givenOption(field).value));
export const valueOf = (field) => field[isTick(field) ? "checked" : "value"];
export const isChanged = (field) => valueOf(field) !== givenOf(field);

export function put(field, value) {
  field[isTick(field) ? "checked" : "value"] = value;
}

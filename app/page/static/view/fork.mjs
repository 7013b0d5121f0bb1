// A state put right by hand, and gone on from in a new solution.

import { button, h } from "../dom.mjs";
import { nameOf } from "../words.mjs";

const MAX_OUTPUT = 8_192;

export function editor(state, fork, onClose) {
  const id = `edit-${state.id}`;
  const area = h("textarea", { id, rows: "3", maxlength: MAX_OUTPUT, required: true });
  area.value = state.output.slice(0, MAX_OUTPUT);
  const problem = h("p", { class: "problem", role: "alert" });
  const go = h("button", { type: "submit", class: "main" }, "Go on from here");
  const submit = async (event) => {
    event.preventDefault();
    go.disabled = true;
    problem.textContent = "";
    try {
      await fork(state.id, area.value === state.output ? null : area.value);
    } catch (error) {
      problem.textContent = error.message;
      go.disabled = false;
    }
  };
  const leave = (event) => event.key === "Escape" && onClose();
  return h(
    "form",
    { class: "editor", onsubmit: submit, onkeydown: leave },
    h("label", { for: id }, `What ${nameOf(state)} is to say`),
    area,
    problem,
    h("div", { class: "submit" }, go, button("Leave it", onClose, { class: "quiet" })),
    h("p", { class: "hint" }, "A new solution, with the strategy and options of the form."),
  );
}

// What is shown before there is a solution.

import { h } from "../dom.mjs";
import { ACTIONS } from "../words.mjs";
import { disc } from "./card.mjs";

const MEANINGS = {
  formalize: "write the problem mathematically",
  decompose: "divide it into subquestions",
  solve_subquestion: "answer one of them",
  solve_parent: "answer the problem from the parts",
  verify: "look whether a state is right",
  backtrack: "return to the last state that is",
  summarize: "state the answer",
};

export function welcome() {
  return h(
    "section",
    { class: "welcome" },
    h("h1", {}, "Watch a problem being solved, state by state."),
    h(
      "p",
      {},
      "The reasoner moves from state to state by one of seven actions. Each state is checked by exact " +
        "arithmetic the moment it is written; what goes wrong stays in sight as a dead end.",
    ),
    h(
      "dl",
      { class: "meanings" },
      ...Object.entries(MEANINGS).map(([action, meaning]) =>
        h("div", {}, h("dt", {}, disc(action, "verified"), ACTIONS[action][1]), h("dd", {}, meaning)),
      ),
    ),
  );
}

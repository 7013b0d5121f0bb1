// The strategies and their main options; docs/strategies.md explains them all.

import { h } from "../dom.mjs";

export const STRATEGIES = [
  ["guided", "one path; what is refuted is gone back from"],
  ["single", "one path, as the model writes it"],
  ["vote", "several paths; the commonest answer"],
  ["beam", "several next states at each step; the best go on"],
];

// [name, label, strategy or null, attributes of the number field or the choices]
export const FIELDS = [
  ["guided.retries", "Retries", "guided", { min: 0, max: 64, placeholder: "8" }],
  ["guided.dead_ends", "Model reads dead ends", "guided", [["", "once"], ["keep", "always (keep)"], ["drop", "never (drop)"]]],
  ["vote.paths", "Paths", "vote", { min: 1, max: 64, placeholder: "8" }],
  ["vote.stop", "Stop early", "vote", [["", "if likely decided"], ["certain", "if decided"], ["never"]]],
  ["beam.width", "Width", "beam", { min: 1, max: 16, placeholder: "3" }],
  ["beam.candidates", "Candidates", "beam", { min: 1, max: 16, placeholder: "3" }],
  ["max_tokens", "Most tokens", null, { min: 1, max: 131072, placeholder: "2048" }],
  ["temperature", "Temperature", null, { min: 0, max: 2, step: "any", placeholder: "0" }],
  ["seed", "Seed", null, { min: 0, max: 2147483647, placeholder: "none" }],
];

export function optionFields([name, label, strategy, kind]) {
  const id = `option-${name.replace(".", "-")}`;
  const field = Array.isArray(kind)
    ? h("select", { id, name }, ...kind.map(([value, told]) => h("option", { value }, told ?? value)))
    : h("input", { id, name, type: "number", ...kind });
  return h("div", { class: "field", "data-strategy": strategy }, h("label", { for: id }, label), field);
}

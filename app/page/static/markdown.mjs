// A solution as Markdown.

import { answerStates, refutedChecks } from "./model.mjs";
import { correction, labelOf, nameOf, outcome } from "./words.mjs";

export function markdown(model) {
  const { head } = model;
  const behind = new Set(answerStates(head));
  const lines = [quote(head.question), ""];
  for (const state of model.states.values()) {
    const path = head.paths.length > 1 ? `Path ${state.path + 1}, ` : "";
    const aside = behind.size && !behind.has(state.id) ? ", not behind the answer" : "";
    lines.push(`- **${escaped(`${path}${nameOf(state)}, ${labelOf(state)}`)}** (${state.verdict ?? "open"}${aside})`);
    lines.push(indented(state.output));
    for (const check of refutedChecks(state)) {
      lines.push(indented(`✗ ${check.claim}: ${correction(check)}`));
    }
  }
  const { title, lines: told } = outcome(model);
  const answer = head.answer === null ? "" : `: ${head.answer}`;
  lines.push("", `**${escaped(title + answer)}**`, "", ...told.map(escaped));
  if (model.text) lines.push("", quote(model.text));
  return `${lines.join("\n")}\n`;
}

function escaped(text) {
  return text.replace(/[\\`*_{}[\]<>#|~$&]/g, "\\$&");
}

function indented(text) {
  return text.split("\n").map((line) => `  ${escaped(line)}`).join("  \n");
}

function quote(text) {
  return text.split("\n").map((line) => `> ${escaped(line)}`).join("\n");
}

// What the page says of actions, verdicts and ends.

import { valueOf } from "./answers.mjs";
import { answerStates, kindOf, refutedChecks } from "./model.mjs";

// Letter and label of each action; its colour is in style/states.css.
export const ACTIONS = {
  formalize: ["F", "Formalize"],
  decompose: ["D", "Decompose"],
  solve_subquestion: ["S", "Solve Subquestion"],
  solve_parent: ["P", "Solve Parent"],
  verify: ["V", "Verify"],
  backtrack: ["B", "Backtrack"],
  summarize: ["=", "Summarize"],
  other: ["?", "Unknown action"],
};

export const VERDICTS = {
  verified: ["✓", "verified"],
  refuted: ["✗", "refuted"],
  unchecked: ["–", "unchecked"],
};

export const REASONS = {
  no_answer: "the model stopped without stating an answer",
  max_tokens: "the token limit was reached",
  max_transitions: "the limit of transitions was reached",
  deadline: "the time was up",
  repetition: "the model began to repeat itself",
  shutdown: "the server was shut down",
};

export const STATUSES = {
  queued: "waiting",
  in_progress: "being solved",
  completed: "plain text",
  incomplete: "no answer",
  failed: "failed",
  cancelled: "cancelled",
};

// Of the kinds of outcomes.
export const MARKS = { good: "✓", unchecked: "–", doubt: "✗", none: "○", plain: "–", live: "…" };

const STARTER =
  "The starter reasoner knows short school problems in plain words and little else. " +
  "For other problems, serve a model of your own.";

export function labelOf(state) {
  return state.label || ACTIONS[state.action]?.[1] || state.action;
}

export function nameOf(state) {
  return `State ${state.number ?? "?"}`;
}

export function correction(check) {
  if (check.computed === null) return check.reason || "it does not hold";
  return `it is ${check.computed}`;
}

// How a solution ended: {kind, title, lines}. Kinds: good, unchecked, doubt, none, plain, live.
export function outcome(model) {
  const { head } = model;
  const found = ended(model);
  // Also where all steps hold: that does not show whether it has read the problem rightly.
  const hinted = found.kind !== "live" && head.status !== "cancelled";
  if (hinted && head.model === "starter") found.lines.push(STARTER);
  return found;
}

function ended(model) {
  const { head } = model;
  switch (head.status) {
    case "queued":
    case "in_progress":
      return { kind: "live", title: "Solving", lines: [] };
    case "completed":
      return head.answer === null ? plain() : answered(model);
    case "incomplete":
      return none("No answer was reached", `Why: ${REASONS[head.incomplete_reason] ?? "unknown"}.`);
    case "cancelled":
      return none("Cancelled", "No answer was reached before it was cancelled.");
    default:
      return none("The solution failed", head.error?.message ?? "The server did not say why.");
  }
}

function none(title, line) {
  return { kind: "none", title, lines: [line] };
}

function plain() {
  return {
    kind: "plain",
    title: "Answered in plain text",
    lines: ["The model wrote no states, so nothing could be checked."],
  };
}

// Signs that the problem was misread. Kept solutions of older servers have none.
function grounding(found) {
  const lines = [];
  if (found?.unsaid?.length) {
    lines.push(`It takes ${listed(found.unsaid)} for given, not from the problem.`);
  }
  if (found?.unused?.length) {
    lines.push(`No step mentions ${listed(found.unused)}, which the problem gives.`);
  }
  return lines;
}

function listed(numbers) {
  const shown = numbers.length > 4 ? [...numbers.slice(0, 3), `${numbers.length - 3} more`] : numbers;
  return shown.length > 1 ? `${shown.slice(0, -1).join(", ")} and ${shown.at(-1)}` : shown[0];
}

function answered(model) {
  const { head, states } = model;
  const path = answerStates(head).map((id) => states.get(id)).filter(Boolean);
  const refuted = path.filter((state) => state.verdict === "refuted");
  const illegal = path.filter((state) => !state.legal).length;
  const verified = path.filter((state) => state.verdict === "verified").length;
  const lines = [...votes(model)];
  const misread = grounding(head.grounding);
  const doubt = refuted.length > 0 || lines.some((line) => line.startsWith("Only"));
  if (refuted.length) {
    lines.unshift(`It rests on a refuted step: ${refuted.map(told).join("; ")}. Do not trust it.`);
  } else if (verified) {
    lines.push(
      `${steps(verified)} of the ${path.length} behind it ${verified === 1 ? "holds" : "hold"}, ` +
        "the others have nothing to check. Checks see wrong arithmetic, not a misread problem.",
    );
  }
  if (illegal) lines.push(`${steps(illegal)} may not stand where the model put ${illegal === 1 ? "it" : "them"}.`);
  if (!refuted.length && !verified) lines.push("Nothing that it rests on could be checked.");
  lines.push(...misread);
  const kind = doubt ? "doubt" : verified && !misread.length ? "good" : "unchecked";
  return { kind, title: "Answer", lines };
}

function steps(count) {
  return count === 1 ? "1 step" : `${count} steps`;
}

function told(state) {
  const [check] = refutedChecks(state);
  return check ? `${nameOf(state)} says ${check.claim}, but ${correction(check)}` : nameOf(state);
}

function votes({ head }) {
  if (kindOf(head) !== "vote") return [];
  const counted = head.paths.filter((path) => path.answer !== null && path.weight !== null);
  const weight = (paths) => paths.reduce((sum, path) => sum + path.weight, 0);
  const chosen = head.paths.find((path) => path.path === head.answer_path);
  const agreeing = counted.filter((path) => chosen && valueOf(path.answer) === valueOf(chosen.answer));
  const share = weight(agreeing) / (weight(counted) || 1);
  const few = share <= 0.5 ? "Only " : "";
  return [`${few}${agreeing.length} of ${counted.length} paths with an answer say this.`];
}

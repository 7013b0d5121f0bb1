// A state: what was done, what came out, what the verifier says of it.

import { button, h, visible } from "../dom.mjs";
import { outputNodes } from "../maths/mathml.mjs";
import { refutedChecks } from "../model.mjs";
import { ACTIONS, VERDICTS, correction, labelOf, nameOf } from "../words.mjs";
import { editor } from "./fork.mjs";
import { count, seconds } from "./times.mjs";

const MOST = 4_000;
const ORIGINS = { verifier: "written by the verifier", user: "edited by hand" };
const KEPT_WHOLE = new Set(["verify", "backtrack"]);
const RELATION = /[=<>≤≥≈≠](?!.*[=<>≤≥≈≠])/su;

// The cards of a solution by the ids of their states.
export class Cards {
  #cards = new Map();
  #fork;

  constructor(fork) {
    this.#fork = fork;
  }

  // The card of a state, as it stands now.
  of(state, states, level = 3) {
    if (!this.#cards.has(state.id)) this.#cards.set(state.id, new Card(state, level, this.#fork));
    const card = this.#cards.get(state.id);
    card.draw(state, states);
    return card.element;
  }

  // Brings a state into sight.
  reveal(id) {
    const element = this.#cards.get(id)?.element;
    if (!element) return;
    for (let at = element; at; at = at.parentElement) if (at.tagName === "DETAILS") at.open = true;
    element.scrollIntoView({ block: "center" });
    element.focus({ preventScroll: true });
  }
}

export function disc(action, verdict) {
  return h(
    "span",
    { class: "disc", "data-action": action, "data-verdict": verdict ?? "open", "aria-hidden": "true" },
    ACTIONS[action]?.[0] ?? "?",
  );
}

class Card {
  #fork;
  #drawn = null;
  #done = false; // A completed state stays as it is.

  constructor(state, level, fork) {
    this.#fork = fork;
    this.output = h("div", { class: "output", dir: "auto" });
    this.heading = h(`h${level}`, { class: "name" });
    this.tags = h("p", { class: "tags" });
    this.rest = h("div", { class: "rest" });
    this.head = h("div", { class: "head" }, this.heading, this.tags);
    this.element = h(
      "article",
      { class: "card", tabindex: "-1" },
      this.head,
      this.output,
      this.rest,
    );
  }

  draw(state, states) {
    if (this.#done || (state.open && state.output === this.#drawn)) return;
    this.#drawn = state.output;
    this.#done = !state.open;
    this.element.dataset.open = Boolean(state.open);
    this.element.dataset.verdict = state.verdict ?? "open";
    this.heading.replaceChildren(
      disc(state.action, state.verdict),
      h("span", { class: "number" }, `${nameOf(state)} `),
      h("span", { class: "label", "data-action": state.action }, ...visible(labelOf(state))),
    );
    if (state.open) {
      this.output.replaceChildren(...visible(state.output.slice(-MOST)));
      this.tags.replaceChildren(h("span", { class: "hint" }, "being written"));
    } else {
      this.#complete(state, states);
    }
  }

  #complete(state, states) {
    this.tags.replaceChildren(...tags(state));
    const wrong = refutedChecks(state);
    const ranges = wrong.map((check) => stated(state.output, check));
    if (state.output.length > MOST) this.#shorten(state.output);
    else this.output.replaceChildren(...outputNodes(state.output, ranges));
    this.rest.replaceChildren(...wrong.map(failure));
    if (state.action === "backtrack") this.rest.append(returning(state, states));
    if (!KEPT_WHOLE.has(state.action)) this.#offerFork(state);
  }

  #shorten(output) {
    const all = button(`Show all ${count(output.length, "character")}`, () => {
      this.output.replaceChildren(...visible(output));
    }, { class: "quiet" });
    this.output.replaceChildren(...visible(`${output.slice(0, MOST)}…`), h("br"), all);
  }

  #offerFork(state) {
    const offer = button("Edit", () => {
      offer.hidden = true;
      const form = editor(state, this.#fork, () => {
        form.remove();
        offer.hidden = false;
        offer.focus();
      });
      this.rest.append(form);
      form.querySelector("textarea").focus();
    }, { class: "fork quiet", "aria-label": `Edit ${nameOf(state)} and go on from it` });
    this.head.append(offer);
  }
}

function tags(state) {
  const [mark, verdict] = VERDICTS[state.verdict];
  const held = state.checks.filter((check) => check.verdict === "verified").length;
  return [
    h(
      "span",
      { class: "verdict", "data-verdict": state.verdict, title: `${count(held, "equation")} hold` },
      h("span", { "aria-hidden": "true" }, `${mark} `),
      verdict,
    ),
    !state.legal && h("span", { class: "illegal" }, "not allowed here"),
    ORIGINS[state.origin] && h("span", { class: "origin" }, ORIGINS[state.origin]),
    state.tokens > 0 &&
      h("span", { class: "hint" }, `${count(state.tokens, "token")} · ${seconds(state.seconds)}`),
  ].filter(Boolean);
}

// The failing equation: what was claimed, and what is true.
function failure(check) {
  const relation = RELATION.exec(check.claim);
  const left = relation ? check.claim.slice(0, relation.index).trim() : null;
  const truth =
    left !== null && check.computed !== null && relation[0] === "="
      ? outputNodes(`${left} = ${check.computed}`)
      : visible(correction(check));
  return h(
    "dl",
    { class: "failure" },
    h("div", {}, h("dt", {}, "claimed"), h("dd", {}, ...outputNodes(check.claim))),
    h("div", {}, h("dt", {}, "in fact"), h("dd", {}, ...truth)),
  );
}

function returning(state, states) {
  const target = state.target === null ? null : state.target || "question";
  if (target === null) return h("p", { class: "returns" }, "It names no state that there is.");
  const name = target === "question" ? "the question" : nameOf(states.get(target) ?? {}).toLowerCase();
  return h("p", { class: "returns" }, h("span", { "aria-hidden": "true" }, "↩ "), `back to ${name}`);
}

// Where the value that a refuted claim states stands in the output: offsets there are in
// characters, here in UTF-16 units.
function stated(output, check) {
  const characters = [...output];
  const units = (count) => characters.slice(0, count).join("").length;
  const [start, end] = [units(check.start), units(check.end)];
  const relation = RELATION.exec(output.slice(start, end));
  return [relation ? start + relation.index + 1 : start, end];
}

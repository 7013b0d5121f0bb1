// Several paths side by side, and their vote.

import { h, visible } from "../dom.mjs";
import { outputNodes } from "../maths/mathml.mjs";
import { valueOf } from "../answers.mjs";
import { isOver } from "../model.mjs";
import { lanes } from "../tree.mjs";

const NARROW = "(max-width: 34rem)";

export class Lanes {
  #lanes = new Map();
  #cards;

  constructor(cards) {
    this.#cards = cards;
    this.tally = h("div", { class: "tally" });
    this.lanes = h("div", { class: "lanes" });
    this.element = h("div", { class: "several" }, this.tally, this.lanes);
  }

  draw(model) {
    const found = lanes(model.states);
    for (const [path, states] of found) {
      if (!this.#lanes.has(path)) this.#begin(path);
      this.#drawLane(this.#lanes.get(path), model, path, states);
    }
    this.#drawTally(model);
  }

  #begin(path) {
    const lane = {
      title: h("h2", {}, `Path ${path + 1}`),
      told: h("p", { class: "told" }),
      list: h("ol", { class: "states", "aria-label": `States of path ${path + 1}` }),
    };
    const open = !this.#lanes.size || !matchMedia(NARROW).matches;
    const summary = h("summary", {}, lane.title, lane.told);
    lane.element = h("section", { class: "lane" }, h("details", { open }, summary, lane.list));
    this.#lanes.set(path, lane);
    this.lanes.append(lane.element);
  }

  #drawLane(lane, model, path, states) {
    states.forEach((state, at) => {
      const card = this.#cards.of(state, model.states);
      if (!lane.list.children[at]) lane.list.append(h("li", {}));
      if (lane.list.children[at].firstChild !== card) lane.list.children[at].replaceChildren(card);
    });
    const [standing, told] = standingOf(model, path, states);
    if (lane.element.dataset.standing === standing) return;
    lane.element.dataset.standing = standing;
    lane.told.replaceChildren(...told);
  }

  // How many paths say what, and what they count.
  #drawTally(model) {
    const answers = new Map();
    for (const path of model.paths.values()) {
      if (path.answer === null || path.weight === null) continue;
      const value = valueOf(path.answer);
      const found = answers.get(value) ?? { answer: path.answer, paths: 0, weight: 0 };
      found.paths += 1;
      found.weight += path.weight ?? 1;
      answers.set(value, found);
    }
    const chosen = model.head.answer === null ? null : valueOf(model.head.answer);
    const key = JSON.stringify([...answers, chosen]);
    if (this.tally.dataset.key === key) return;
    this.tally.dataset.key = key;
    const most = Math.max(1, ...[...answers.values()].map((one) => one.weight));
    const sorted = [...answers].sort(([, one], [, other]) => other.weight - one.weight);
    const rows = sorted.map(([value, { answer, paths, weight }]) =>
      h(
        "tr",
        { "data-chosen": String(value === chosen) },
        h("th", { scope: "row" }, ...outputNodes(answer)),
        h("td", {}, bar(weight / most)),
        h("td", {}, `${paths}`),
        h("td", {}, weight.toFixed(2)),
      ),
    );
    this.tally.replaceChildren(
      ...(rows.length ? [h("table", {}, h("caption", {}, "Votes"), head(), h("tbody", {}, ...rows))] : []),
    );
  }
}

function bar(share) {
  const filled = h("span", {});
  filled.style.inlineSize = `${100 * share}%`;
  return h("span", { class: "bar", "aria-hidden": "true" }, filled);
}

function head() {
  const cells = ["Answer", "", "Paths", "Weight"].map((name) =>
    name ? h("th", { scope: "col" }, name) : h("td", {}),
  );
  return h("thead", {}, h("tr", {}, ...cells));
}

// How a path stands: [what decides its look, its line of text].
function standingOf(model, path, states) {
  const { head } = model;
  const ended = model.paths.get(path);
  if (!ended) return isOver(model) ? ["stopped", ["stopped: the vote was decided"]] : ["open", ["being written"]];
  if (ended.weight === null) return ["stopped", ["stopped: the vote was decided"]];
  if (ended.answer === null) return ["none", ["no answer"]];
  const refuted = (ended.states ?? []).some((id) => model.states.get(id)?.verdict === "refuted");
  const doubt = refuted || (!ended.states && states.some((state) => state.verdict === "refuted"));
  const agrees = head.answer !== null && valueOf(ended.answer) === valueOf(head.answer);
  const told = ["says ", h("strong", {}, ...outputNodes(ended.answer))];
  if (doubt) told.push(h("span", { class: "verdict", "data-verdict": "refuted" }, "✗ refuted step"));
  if (agrees) told.push(h("span", { class: "agrees" }, "as the answer"));
  return [`${agrees ? "agrees" : "says"} ${doubt} ${visible(ended.answer)}`, told];
}

// A beam: the candidates of each step, and which of them were gone on from.

import { h } from "../dom.mjs";
import { isOver, livePath } from "../model.mjs";
import { children, steps } from "../tree.mjs";
import { nameOf } from "../words.mjs";
import { count } from "./times.mjs";

const STANDINGS = {
  answer: "behind the answer",
  kept: "gone on from",
  dropped: "not gone on from",
  open: "",
};

export class BeamView {
  #steps = [];
  #rows = new Map();
  #cards;

  constructor(cards) {
    this.#cards = cards;
    this.element = h("div", { class: "several" });
  }

  draw(model) {
    const found = steps(model.states);
    const below = children(model.states);
    const behind = livePath(model);
    found.forEach((candidates, at) => {
      const step = (this.#steps[at] ??= this.#begin(at));
      step.title.textContent = `Step ${at + 1} · ${count(candidates.length, "candidate")}`;
      const passed = at + 1 < found.length || isOver(model);
      for (const state of candidates) {
        const kept = below.get(state.id).length > 0;
        const standing = behind.has(state.id) ? "answer" : kept ? "kept" : passed ? "dropped" : "open";
        this.#drawCandidate(step, state, model, standing);
      }
    });
  }

  #begin(at) {
    const title = h("h2", {});
    const list = h("ol", { class: "candidates", "aria-label": `Candidates of step ${at + 1}` });
    const element = h("section", { class: "step" }, title, list);
    this.element.append(element);
    return { title, list };
  }

  #drawCandidate(step, state, model, standing) {
    let row = this.#rows.get(state.id);
    if (!row) {
      const parent = model.states.get(state.parent);
      const after = parent ? `after path ${parent.path + 1}, ${nameOf(parent)}` : "after the question";
      row = h("li", {}, h("p", { class: "place" }, `Path ${state.path + 1} · ${after}`), h("p", { class: "standing" }));
      this.#rows.set(state.id, row);
      step.list.append(row);
    }
    const card = this.#cards.of(state, model.states);
    if (card.parentElement !== row) row.append(card);
    if (row.dataset.standing === standing) return;
    row.dataset.standing = standing;
    row.querySelector(".standing").textContent = STANDINGS[standing];
  }
}

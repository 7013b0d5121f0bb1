// One path: its states one below the other, dead ends set in beside the line that goes on.

import { h } from "../dom.mjs";
import { columns } from "../tree.mjs";

const DEEPEST = 3;

export class Line {
  #rows = new Map();
  #cards;

  constructor(cards) {
    this.#cards = cards;
    this.element = h("ol", { class: "line", "aria-label": "States" });
  }

  draw(model) {
    const { states } = model;
    const placed = columns(states);
    for (const [id, row] of this.#rows) if (!states.has(id)) (row.remove(), this.#rows.delete(id));
    for (const state of states.values()) {
      const row = this.#rows.get(state.id) ?? this.#row(state.id);
      place(row, placed.get(state.id));
      const card = this.#cards.of(state, states, 2);
      if (card.parentElement !== row) row.append(card);
    }
  }

  #row(id) {
    const row = h("li", {}, h("span", { class: "rails", "aria-hidden": "true" }), h("p", { class: "dead-end" }));
    this.#rows.set(id, row);
    this.element.append(row);
    return row;
  }
}

function place(row, { column, begins, ends }) {
  const shown = Math.min(column, DEEPEST);
  const key = `${shown} ${begins} ${ends}`;
  if (row.dataset.placed === key) return;
  row.dataset.placed = key;
  row.dataset.column = shown;
  row.classList.toggle("dead", column > 0);
  row.querySelector(".dead-end").textContent = begins ? "Dead end" : "";
  row.querySelector(".dead-end").hidden = !begins;
  const rails = [];
  for (let at = 0; at < shown; at += 1) rails.push(h("span", { class: "rail passes" }));
  rails.push(h("span", { class: `rail own${begins ? " begins" : ""}${ends ? " ends" : ""}` }));
  row.querySelector(".rails").replaceChildren(...rails);
}

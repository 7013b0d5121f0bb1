// The whole tree at a glance. The lists below it say the same in words, so it is hidden from
// screen readers.

import { h, svg } from "../dom.mjs";
import { livePath } from "../model.mjs";
import { layout } from "../tree.mjs";
import { ACTIONS } from "../words.mjs";

const RADIUS = 10;
const ROW = 30;
const MARGIN = 16;
const WIDEST = 64;
const NARROWEST = 30;

export class TreeMap {
  #cards;
  #drawn = "";

  constructor(cards) {
    this.#cards = cards;
    this.drawing = svg("svg", { focusable: "false" });
    const legend = h("ul", { class: "legend" }, ...legendOf());
    this.element = h(
      "div",
      { class: "map", hidden: true },
      h("div", { class: "tree", "aria-hidden": "true" }, this.drawing),
      h("details", {}, h("summary", {}, "Legend"), legend),
    );
  }

  draw(model) {
    const { states } = model;
    this.element.hidden = states.size === 0;
    const width = this.element.clientWidth || 600;
    const key = [width, ...[...states.values()].map((s) => `${s.id}${s.verdict}${s.target}`), model.head.status].join();
    if (key === this.#drawn) return;
    this.#drawn = key;
    const { places, size } = layout(states);
    const gap = Math.max(NARROWEST, Math.min(WIDEST, (width - 2 * MARGIN) / Math.max(size.columns - 1, 1)));
    const at = (id) => [MARGIN + places.get(id).x * gap, MARGIN + places.get(id).y * ROW];
    const total = [2 * MARGIN + (size.columns - 1) * gap, 2 * MARGIN + (size.rows - 1) * ROW];
    const live = livePath(model);
    const edges = [...states.values()].map((state) => edge(at(state.parent), at(state.id), live.has(state.id)));
    const returns = [...states.values()]
      .filter((state) => state.action === "backtrack" && places.has(state.target))
      .map((state) => comeback(at(state.id), at(state.target)));
    const nodes = [...states.values()].map((state) => this.#node(state, at(state.id), live));
    this.drawing.setAttribute("width", total[0]);
    this.drawing.setAttribute("height", total[1]);
    this.drawing.setAttribute("viewBox", `0 0 ${total[0]} ${total[1]}`);
    this.drawing.replaceChildren(...edges, ...returns, root(at(0)), ...nodes);
  }

  #node(state, [x, y], live) {
    const group = svg(
      "g",
      {
        class: live.size && !live.has(state.id) ? "node aside" : "node",
        "data-action": state.action,
        "data-verdict": state.verdict ?? "open",
        transform: `translate(${x} ${y})`,
        onclick: () => this.#cards.reveal(state.id),
      },
      svg("circle", { r: RADIUS }),
      svg("text", { dy: "0.36em" }, ACTIONS[state.action]?.[0] ?? "?"),
    );
    if (state.verdict === "refuted") group.append(svg("path", { class: "cross", d: "M6 -12l7 7m0 -7l-7 7" }));
    return group;
  }
}

function root([x, y]) {
  return svg("circle", { class: "root", cx: x, cy: y, r: 5 });
}

function edge([x, y], [toX, toY], live) {
  const middle = x + (toX - x) * 0.45;
  const bend = y === toY ? `L${toX} ${toY}` : `C${middle} ${y} ${middle - 4} ${toY} ${toX} ${toY}`;
  return svg("path", { class: live ? "edge live" : "edge", d: `M${x} ${y}${bend}` });
}

// A backtrack's way back to the state it returns to.
function comeback([x, y], [toX, toY]) {
  const low = Math.max(y, toY) + 13;
  return svg("path", { class: "return", d: `M${x} ${y + RADIUS}C${x - 10} ${low + 6} ${toX + 10} ${low + 6} ${toX + 4} ${toY + RADIUS}` });
}

function legendOf() {
  const actions = Object.entries(ACTIONS).map(([action, [letter, label]]) =>
    h("li", {}, h("span", { class: "disc", "data-action": action, "data-verdict": "verified", "aria-hidden": "true" }, letter), label),
  );
  const verdicts = [
    ["verified", "filled: what can be checked holds"],
    ["unchecked", "hollow: nothing to check"],
    ["refuted", "crossed: an equation is wrong"],
  ].map(([verdict, told]) =>
    h("li", {}, h("span", { class: "disc", "data-verdict": verdict, "data-action": "solve_subquestion", "aria-hidden": "true" }, "S"), told),
  );
  return [...actions, ...verdicts];
}

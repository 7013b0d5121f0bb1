// How it ended, or how far it is: the answer, and whether to believe it.

import { button, h, visible } from "../dom.mjs";
import { outputNodes } from "../maths/mathml.mjs";
import { MARKS, outcome } from "../words.mjs";
import { count, seconds } from "./times.mjs";

export class OutcomeView {
  #shown = null;
  #cancel;

  constructor(cancel) {
    this.element = h("section", { class: "outcome", "aria-label": "Outcome" });
    this.title = h("p", { class: "title" });
    this.lines = h("div", { class: "lines" });
    this.cost = h("p", { class: "cost" });
    this.stop = button("Cancel", () => this.#stop(), { class: "cancel" });
    this.element.append(this.title, this.stop, this.lines, this.cost);
    this.#cancel = cancel;
  }

  draw(model, cut) {
    const { head } = model;
    const found = outcome(model);
    const live = found.kind === "live";
    this.element.dataset.kind = found.kind;
    this.stop.hidden = !live;
    this.cost.textContent = cut ? `The connection is lost; trying again. ${cost(model)}` : cost(model);
    const shown = `${head.status} ${head.answer}`;
    if (this.#shown === shown) return;
    this.#shown = shown;
    const answer = head.answer !== null && head.status === "completed";
    this.title.replaceChildren(
      h("span", { class: "mark", "aria-hidden": "true" }, MARKS[found.kind]),
      ` ${found.title} `,
      ...(answer ? [h("strong", { class: "answer" }, ...outputNodes(head.answer))] : []),
    );
    this.lines.replaceChildren(...found.lines.map((line) => h("p", {}, ...visible(line))));
  }

  async #stop() {
    this.stop.disabled = true;
    try {
      await this.#cancel();
    } catch (error) {
      this.lines.replaceChildren(h("p", { class: "problem", role: "alert" }, error.message));
      this.stop.disabled = false;
    }
  }
}

function cost({ head, states }) {
  const took = (head.completed_at ?? Date.now() / 1000) - head.created_at;
  const told = [count(states.size, "state")];
  const tokens = head.completed_at
    ? head.usage.completion_tokens
    : [...states.values()].reduce((sum, state) => sum + (state.tokens ?? 0), 0);
  told.push(count(tokens, "token"), seconds(Math.max(took, 0)));
  if (head.completed_at && took > 0) told.push(`${Math.round(tokens / took)} tokens/s`);
  if (head.usage.discarded_tokens) told.push(`${head.usage.discarded_tokens} of the tokens discarded`);
  return told.join(" · ");
}

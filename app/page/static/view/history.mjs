// The solutions that the server keeps for this key, newest first.

import { get } from "../api.mjs";
import { byId, h, visible } from "../dom.mjs";
import { modelOf } from "../model.mjs";
import { MARKS, STATUSES, outcome } from "../words.mjs";
import { ago } from "./times.mjs";

const PAGE = 20;
const SHOWN = 160;

export class History {
  #list = byId("history");
  #older = byId("older");
  #last = null;
  #current = null;

  constructor() {
    this.#older.addEventListener("click", () => this.#load(this.#last));
  }

  refresh() {
    return this.#load(null);
  }

  has(id) {
    return this.#list.querySelector(`a[data-id="${CSS.escape(id)}"]`) !== null;
  }

  mark(id) {
    this.#current = id;
    for (const link of this.#list.querySelectorAll("a")) this.#markOne(link);
  }

  async #load(after) {
    try {
      const page = await get(`v1/solutions?limit=${PAGE}${after ? `&after=${after}` : ""}`);
      if (!after) this.#list.replaceChildren();
      this.#list.append(...page.data.map((solution) => this.#entry(solution)));
      this.#last = page.last_id;
      this.#older.hidden = !page.has_more;
      if (!this.#list.children.length) this.#list.append(h("li", { class: "hint" }, "None yet."));
    } catch (error) {
      this.#list.replaceChildren(h("li", { class: "problem" }, error.message));
    }
  }

  #entry(solution) {
    const { kind } = outcome(modelOf(solution));
    const told = STATUSES[solution.status] ?? solution.status;
    const answer = solution.answer === null ? told : solution.answer.slice(0, SHOWN);
    const link = h(
      "a",
      { href: `#${solution.id}`, "data-id": solution.id },
      h("span", { class: "asked" }, ...visible(solution.question.slice(0, SHOWN))),
      h(
        "span",
        { class: "hint" },
        h("span", { class: "mark", "data-kind": kind, "aria-hidden": "true" }, `${MARKS[kind]} `),
        ...visible(answer),
        kind === "doubt" ? " (doubtful)" : "",
        ` · ${solution.strategy} · ${ago(solution.created_at)}`,
      ),
    );
    this.#markOne(link);
    return h("li", {}, link);
  }

  #markOne(link) {
    if (link.dataset.id === this.#current) link.setAttribute("aria-current", "true");
    else link.removeAttribute("aria-current");
  }
}

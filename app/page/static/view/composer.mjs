// The form in which a problem is asked.

import { address, key, post } from "../api.mjs";
import { button, byId, h } from "../dom.mjs";
import { curl, manner } from "../request.mjs";
import { FIELDS, STRATEGIES, optionFields } from "./options.mjs";

const EXAMPLES = [
  ["Pens", "Ann has 3 pens. She buys 4 more. How many pens does Ann have now?"],
  ["Stickers", "Sara has 12 stickers. She gives 4 of them to Ben. How many are left?"],
  [
    "Hair clips",
    "Hair clips are $13 apiece. Samira gets 9, then on top of that comes a fee of $2. How much is the whole bill?",
  ],
  [
    "Clips sold",
    "A box holds 48 clips. Half of them are sold in May. How many clips are sold in April and May, if 48 were sold in April?",
  ],
];

export class Composer {
  #form = byId("composer");
  #problem = byId("composer-problem");
  #model = null;

  constructor({ onCreated }) {
    byId("examples").append(
      h("span", { id: "try" }, "Try"),
      ...EXAMPLES.map(([name, question]) =>
        button(name, () => this.ask(question), { class: "example", title: question }),
      ),
    );
    byId("strategies").append(...STRATEGIES.map(strategyChoice));
    byId("strategies").addEventListener("change", () => this.#showOptions());
    byId("options").append(...FIELDS.map(optionFields));
    this.#form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#create(onCreated);
    });
    byId("question").addEventListener("keydown", (event) => {
      if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) this.#form.requestSubmit();
    });
    this.#showOptions();
  }

  // Puts a question into the form.
  ask(question) {
    byId("question").value = question;
    byId("question").focus();
  }

  // The models that may be asked; a choice is shown where there is one.
  offer(models) {
    if (models.length < 2) return;
    this.#model = h("select", { id: "model", name: "model" }, ...models.map((name) => h("option", {}, name)));
    byId("options").prepend(h("div", { class: "field" }, h("label", { for: "model" }, "Model"), this.#model));
  }

  // How something is to be solved, as the form says.
  manner() {
    return manner(Object.fromEntries(new FormData(this.#form)));
  }

  // A request as a command for a shell.
  curl(path, body) {
    return curl(address(path), body, key() !== null);
  }

  async #create(onCreated) {
    const solve = byId("solve");
    solve.disabled = true;
    this.#problem.textContent = "";
    try {
      const body = { question: byId("question").value, ...this.manner() };
      if (this.#model) body.model = this.#model.value;
      onCreated(await post("v1/solutions", body));
    } catch (error) {
      this.#problem.textContent = error.message;
    } finally {
      solve.disabled = false;
    }
  }

  #showOptions() {
    const { strategy } = Object.fromEntries(new FormData(this.#form));
    for (const field of byId("options").querySelectorAll("[data-strategy]")) {
      const shown = field.dataset.strategy === strategy;
      field.hidden = !shown;
      field.querySelector("input, select").disabled = !shown;
    }
  }
}

function strategyChoice([name, explained], index) {
  const id = `strategy-${name}`;
  return h(
    "div",
    { class: "strategy" },
    h("input", {
      type: "radio",
      name: "strategy",
      id,
      value: name,
      checked: index === 0,
      "aria-describedby": `${id}-hint`,
    }),
    h("label", { for: id }, name),
    h("span", { class: "hint", id: `${id}-hint` }, explained),
  );
}

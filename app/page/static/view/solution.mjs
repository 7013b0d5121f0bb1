// One solution: fetched, followed while it is made, and drawn.

import { get, openEvents, post, remove } from "../api.mjs";
import { button, h, visible } from "../dom.mjs";
import { follow } from "../follow.mjs";
import { apply, emptyModel, isOver, kindOf, modelOf, refutedChecks } from "../model.mjs";
import { correction, labelOf, nameOf, outcome } from "../words.mjs";
import { announce } from "./announce.mjs";
import { BeamView } from "./beam.mjs";
import { Copying } from "./copying.mjs";
import { Cards } from "./card.mjs";
import { Line } from "./line.mjs";
import { Lanes } from "./lanes.mjs";
import { OutcomeView } from "./outcome.mjs";
import { TreeMap } from "./map.mjs";
import { welcome } from "./welcome.mjs";

const BODIES = { line: Line, vote: Lanes, beam: BeamView };

export class SolutionView {
  #element;
  #options;
  #id = null;
  #ending = new AbortController();

  constructor(element, options) {
    this.#element = element;
    this.#options = options;
  }

  // Shows the solution `id`; the welcome without one.
  async show(id) {
    this.close();
    this.#id = id;
    document.title = "Statewise";
    if (id === null) {
      this.#element.replaceChildren(welcome());
      return;
    }
    const ending = this.#ending;
    try {
      const solution = await get(`v1/solutions/${id}`, { signal: ending.signal });
      const drawing = this.#drawing(solution);
      if (matchMedia("(max-width: 60rem)").matches) this.#element.scrollIntoView();
      this.#options.onShown(id);
      if (isOver(drawing.model)) {
        drawing.sayEnd();
        return;
      }
      await follow(openEvents(id), {
        signal: ending.signal,
        onCut: (cut) => drawing.cut(cut),
        onEvent: (event) => drawing.event(event),
      });
      if (!ending.signal.aborted && isOver(drawing.model)) this.#options.onChanged();
    } catch (error) {
      if (ending.signal.aborted) return;
      this.#element.replaceChildren(h("p", { class: "problem", role: "alert" }, error.message));
    }
  }

  close() {
    this.#ending.abort();
    this.#ending = new AbortController();
    this.#id = null;
  }

  #drawing(solution) {
    const { composer, onForked, onChanged } = this.#options;
    const id = solution.id;
    const fork = async (state, output) => {
      const body = { state, ...(output === null ? {} : { output }), ...composer.manner() };
      onForked(await post(`v1/solutions/${id}/fork`, body));
    };
    const drawing = new Drawing(solution, {
      composer,
      fork,
      cancel: () => post(`v1/solutions/${id}/cancel`),
      forget: async () => {
        await remove(`v1/solutions/${id}`);
        onChanged();
        location.hash = "";
      },
      signal: this.#ending.signal,
    });
    this.#element.replaceChildren(drawing.element);
    drawing.drawNow();
    return drawing;
  }
}

// The elements of one solution, drawn again at most once a frame.
class Drawing {
  #due = false;
  #cut = false;
  #version = 0;
  #parts;
  #actions;

  constructor(solution, { composer, fork, cancel, forget, signal }) {
    this.model = begun(solution);
    this.#actions = { composer, fork, cancel, forget };
    this.element = h("article", { class: "solution", "data-id": solution.id, "aria-labelledby": "asked" });
    this.#build();
    const resized = () => this.#draw();
    window.addEventListener("resize", resized, { signal });
    const clock = setInterval(() => isOver(this.model) || this.#draw(), 1_000);
    signal.addEventListener("abort", () => clearInterval(clock));
  }

  event(event) {
    const said = apply(this.model, event);
    if (said) this.#say(said);
    if (event.type !== "transition.delta" && this.#version !== this.model.version) {
      this.#version = this.model.version;
      this.#build();
    }
    this.#draw();
  }

  cut(cut) {
    this.#cut = cut;
    announce(cut ? "The connection is lost; trying again" : "The connection is back");
    this.#draw();
  }

  #build() {
    const { head } = this.model;
    const cards = new Cards(this.#actions.fork);
    this.#parts = {
      outcome: new OutcomeView(this.#actions.cancel),
      map: new TreeMap(cards),
      body: new BODIES[kindOf(head)](cards),
    };
    const { outcome: ending, map, body } = this.#parts;
    this.text = h("div", { class: "plain-answer", hidden: true });
    this.element.replaceChildren(
      this.#header(head),
      ending.element,
      map.element,
      this.text,
      body.element,
    );
  }

  #header(head) {
    const { composer, forget } = this.#actions;
    const copying = new Copying(() => this.model, composer);
    const source = head.source && [
      " · from ",
      h("a", { href: `#${head.source.solution_id}` }, `state ${head.source.state} of another solution`),
    ];
    return h(
      "header",
      { class: "asked" },
      h("h1", { id: "asked" }, ...visible(head.question)),
      h("p", { class: "hint" }, `${head.strategy} · `, ...visible(head.model), ...(source || [])),
      h(
        "div",
        { class: "actions" },
        copying.element,
        button("Ask again", () => composer.ask(this.model.head.question), { class: "quiet" }),
        deletion(forget),
      ),
    );
  }

  #draw() {
    if (this.#due) return;
    this.#due = true;
    requestAnimationFrame(() => {
      this.#due = false;
      this.drawNow();
    });
  }

  drawNow() {
    const { model } = this;
    this.#parts.outcome.draw(model, this.#cut);
    this.#parts.map.draw(model);
    this.#parts.body.draw(model);
    this.text.hidden = model.text === null;
    if (model.text !== null && !this.text.hasChildNodes()) this.text.append(...visible(model.text));
  }

  #say({ state, path, end }) {
    const several = kindOf(this.model.head) !== "line";
    if (state && !several) {
      const [check] = refutedChecks(state);
      const wrong = check ? `: ${check.claim}, but ${correction(check)}` : "";
      announce(`${nameOf(state)}, ${labelOf(state)}, ${state.verdict}${wrong}`);
    }
    if (path) announce(`Path ${path.path + 1} has ended: ${path.answer ?? "no answer"}`);
    if (end) this.sayEnd();
  }

  sayEnd() {
    const { title, lines } = outcome(this.model);
    announce(`${title} ${this.model.head.answer ?? ""}. ${lines.join(" ")}`);
  }
}

// A solution that is over is shown as it is; one that is being made comes again as events.
function begun(solution) {
  const model = modelOf(solution);
  return isOver(model) ? model : { ...emptyModel(), head: { ...solution, transitions: [], paths: [] } };
}

function deletion(forget) {
  const element = button("Delete", async () => {
    if (element.textContent === "Delete") {
      element.textContent = "Delete for good?";
      return;
    }
    try {
      await forget();
    } catch (error) {
      element.textContent = error.message;
    }
  }, { class: "quiet" });
  element.addEventListener("blur", () => (element.textContent = "Delete"));
  return element;
}

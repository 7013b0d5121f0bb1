// A solution to take along: as Markdown, as JSON, as the command that asks for it.

import { get } from "../api.mjs";
import { button, h } from "../dom.mjs";
import { markdown } from "../markdown.mjs";
import { announce } from "./announce.mjs";

const SAID_MS = 1_500;

export class Copying {
  constructor(model, composer) {
    const ways = [
      ["Markdown", () => markdown(model())],
      ["JSON", async () => `${JSON.stringify(await get(`v1/solutions/${model().head.id}`), null, 2)}\n`],
      ["cURL", () => command(model().head, composer)],
    ];
    this.element = h(
      "span",
      { class: "copying", role: "group", "aria-label": "Copy" },
      h("span", { class: "hint", "aria-hidden": "true" }, "Copy as"),
      ...ways.map(([name, text]) => copier(name, text)),
    );
  }
}

// The command for the same question (or fork), in the manner of the form where the solution does
// not tell its own.
function command(head, composer) {
  const { strategy, model, question, source } = head;
  const asked = composer.manner();
  const manner = asked.strategy === strategy ? asked : { strategy, deltas: true };
  if (source) {
    return composer.curl(`v1/solutions/${source.solution_id}/fork`, { state: source.state, ...manner });
  }
  return composer.curl("v1/solutions", { question, model, ...manner });
}

function copier(name, text) {
  const element = button(name, async () => {
    let told = "Copied";
    try {
      await put(await text());
    } catch (error) {
      told = error.message || "Not copied";
    }
    element.textContent = told;
    announce(`${name}: ${told}`);
    setTimeout(() => (element.textContent = name), SAID_MS);
  }, { class: "quiet", "aria-label": `Copy as ${name}` });
  return element;
}

async function put(text) {
  if (navigator.clipboard) return navigator.clipboard.writeText(text);
  // Without HTTPS browsers have no clipboard but this.
  const area = h("textarea", { class: "unseen" });
  area.value = text;
  document.body.append(area);
  area.select();
  const done = document.execCommand("copy");
  area.remove();
  if (!done) throw new Error("The browser does not allow it");
  return undefined;
}

// What is served, in the head of the page; while the engine starts, how far it is.

import { address, get } from "../api.mjs";

const AGAIN_MS = 1_000;

export async function installServed(element, onModels) {
  for (;;) {
    const state = await startup();
    if (state?.started) break;
    element.textContent = state ? said(state) : "The server does not answer";
    await new Promise((resolve) => setTimeout(resolve, AGAIN_MS));
  }
  element.textContent = "";
  try {
    const models = (await get("v1/models")).data.map((model) => model.id);
    // NAME:STRATEGY is the same model for clients that cannot choose a strategy otherwise.
    const names = models.filter((name) => !models.some((one) => name.startsWith(`${one}:`)));
    element.textContent = names[0] ?? "";
    onModels(names);
  } catch (error) {
    element.textContent = error.message;
  }
}

async function startup() {
  try {
    return await (await fetch(address("startupz"), { cache: "no-store" })).json();
  } catch {
    return null;
  }
}

function said({ error, phase, seconds }) {
  return error ? `The engine failed: ${error}` : `The engine starts: ${phase}, ${Math.round(seconds)} s`;
}

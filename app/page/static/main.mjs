// Begins here: what the address names is shown.
//
//   #                 a new problem          #sol_…     a solution
//   #batches          all batches            #batch_…   a batch

import { onKeyNeeded } from "./api.mjs";
import { byId } from "./dom.mjs";
import { BatchesView } from "./view/batches.mjs";
import { Composer } from "./view/composer.mjs";
import { History } from "./view/history.mjs";
import { askForKey, installKeyButton } from "./view/key.mjs";
import { installServed } from "./view/served.mjs";
import { SolutionView } from "./view/solution.mjs";
import { installTheme } from "./view/theme.mjs";

onKeyNeeded(askForKey);
installKeyButton(byId("key-button"));
installTheme(byId("theme-button"));

const open = (id) => (location.hash = id);
const composer = new Composer({ onCreated: (solution) => open(solution.id) });
const history = new History();
const batches = new BatchesView(byId("batches-view"));
const solution = new SolutionView(byId("solution"), {
  composer,
  onShown: (id) => history.has(id) || history.refresh(),
  onChanged: () => history.refresh(),
  onForked: (forked) => open(forked.id),
});

const SOLUTION = /^sol_[0-9a-f]{1,64}$/;
const BATCHES = /^(?:batches|batch_[0-9a-f]{1,64})$/;

function route() {
  const name = location.hash.slice(1);
  if (name === "main") return; // The link past the form.
  const isBatch = BATCHES.test(name);
  byId("solve-view").hidden = isBatch;
  byId("batches-view").hidden = !isBatch;
  mark("to-solve", !isBatch);
  mark("to-batches", isBatch);
  if (isBatch) {
    solution.close();
    batches.show(name === "batches" ? null : name);
    return;
  }
  batches.close();
  const id = SOLUTION.test(name) ? name : null;
  history.mark(id);
  solution.show(id);
}

function mark(id, current) {
  if (current) byId(id).setAttribute("aria-current", "page");
  else byId(id).removeAttribute("aria-current");
}

byId("skip").addEventListener("click", (event) => {
  event.preventDefault();
  const view = byId("solve-view").hidden ? byId("batches-view") : byId("main");
  view.focus();
});
window.addEventListener("hashchange", route);
installServed(byId("served"), (models) => composer.offer(models));
history.refresh();
route();

// A solution as it is known so far, from its events or from the finished object. No DOM here.
//
//   head     the solution object that came last
//   states   id -> transition, open ones included (`open: true`), in the order of their beginning
//   paths    lane -> what its path.completed, or the final object, says of it
//   version  counts the times that a server began anew: what was shown before is void

const OVER = new Set(["completed", "incomplete", "failed", "cancelled"]);
const SEVERAL = new Set(["vote", "beam"]);

export function emptyModel() {
  return { head: null, states: new Map(), paths: new Map(), text: null, version: 0 };
}

export function modelOf(solution) {
  const model = emptyModel();
  end(model, solution);
  return model;
}

// Takes one event in. Returns what deserves to be said aloud, or null.
export function apply(model, event) {
  switch (event.type) {
    case "solution.created":
      model.head = event.solution;
      return null;
    case "solution.in_progress":
      model.head = event.solution;
      if (model.states.size || model.paths.size) model.version += 1;
      model.states.clear();
      model.paths.clear();
      // One that goes on after a restart has states and paths that stand.
      for (const state of event.solution.transitions) model.states.set(state.id, state);
      for (const path of event.solution.paths) model.paths.set(path.path, { ...path, ended: true });
      return null;
    case "transition.started":
      model.states.set(event.id, opened(event));
      return null;
    case "transition.delta":
      grow(model.states.get(event.id), event);
      return null;
    case "transition.completed":
      model.states.set(event.transition.id, event.transition);
      return { state: event.transition };
    case "text.completed":
      model.text = event.text;
      return null;
    case "path.completed":
      model.paths.set(event.path, { path: event.path, answer: event.answer, ended: true });
      return { path: event };
    default:
      if (!event.solution) return null; // An event of a later version.
      end(model, event.solution);
      return { end: event.solution };
  }
}

export function isOver(model) {
  return model.head !== null && OVER.has(model.head.status);
}

export function kindOf(solution) {
  const name = solution.strategy.split("-")[0];
  return SEVERAL.has(name) ? name : "line";
}

// The states from the question's first to `id`.
export function chain(states, id) {
  const found = [];
  for (let at = states.get(id); at && found.length <= states.size; at = states.get(at.parent)) {
    found.push(at.id);
  }
  return found.reverse();
}

// The states that the answer rests on; none without an answer.
export function answerStates(solution) {
  if (solution.answer === null) return [];
  const path = solution.paths.find(
    (one) =>
      one.path === solution.answer_path ||
      (solution.answer_path === null && one.answer === solution.answer),
  );
  return path ? path.states : [];
}

// The states that count: those behind the answer; before there is one, of a single line, those
// that lead to its newest.
export function livePath(model) {
  const { head, states } = model;
  const answer = answerStates(head);
  if (answer.length) return new Set(answer);
  const newest = kindOf(head) === "line" ? [...states.keys()].pop() : undefined;
  return new Set(newest === undefined ? [] : chain(states, newest));
}

export function refutedChecks(state) {
  return (state.checks ?? []).filter((check) => check.verdict === "refuted");
}

function opened(event) {
  const { id, parent, path, number, action } = event;
  return { id, parent, path, number, action, label: null, output: "", size: 0, open: true };
}

function grow(state, event) {
  if (!state?.open) return;
  // Offsets are in characters, which JavaScript counts differently outside of the first plane.
  if (state.size !== event.offset) {
    const kept = [...state.output].slice(0, event.offset);
    state.output = kept.join("");
    state.size = kept.length;
  }
  state.output += event.delta;
  state.size += [...event.delta].length;
}

function end(model, solution) {
  model.head = solution;
  model.text = solution.text;
  const open = [...model.states.values()].filter((state) => state.open);
  const given = new Set(solution.transitions.map((state) => state.id));
  for (const state of solution.transitions) model.states.set(state.id, state);
  for (const state of open) if (!given.has(state.id)) model.states.delete(state.id);
  for (const path of solution.paths) model.paths.set(path.path, { ...path, ended: true });
}

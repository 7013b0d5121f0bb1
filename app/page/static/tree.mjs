// Where the states of a tree stand when it is drawn. No DOM here.

export function children(states) {
  const found = new Map([[0, []]]);
  for (const id of states.keys()) found.set(id, []);
  for (const state of states.values()) (found.get(state.parent) ?? found.get(0)).push(state.id);
  return found;
}

// How each state of a single line stands in it: its column (0 is the line itself, each dead end
// is one further in), whether it begins a branch, whether its column goes on below it.
export function columns(states) {
  const below = children(states);
  const newest = newestBelow(states, below);
  const placed = new Map();
  const place = (parent, column) => {
    const next = below.get(parent);
    const heir = next.reduce((best, id) => (newest.get(id) > newest.get(best) ? id : best), next[0]);
    for (const id of next) {
      const own = id === heir ? column : column + 1;
      placed.set(id, { column: own, begins: id !== heir, ends: true, dead: own > 0 });
    }
    if (placed.has(parent)) placed.get(parent).ends = next.length === 0;
    return next.map((id) => [id, placed.get(id).column]);
  };
  const open = [[0, 0]];
  while (open.length) open.push(...place(...open.pop()));
  return placed;
}

// The greatest id in the tree below each state: what was written last.
function newestBelow(states, below) {
  const newest = new Map();
  const order = [0];
  for (let at = 0; at < order.length; at += 1) order.push(...below.get(order[at]));
  for (const id of order.reverse()) {
    newest.set(id, Math.max(id, ...below.get(id).map((child) => newest.get(child))));
  }
  return newest;
}

export function depths(states) {
  const found = new Map([[0, 0]]);
  const below = children(states);
  const order = [0];
  for (let at = 0; at < order.length; at += 1) {
    for (const id of below.get(order[at])) {
      found.set(id, found.get(order[at]) + 1);
      order.push(id);
    }
  }
  return found;
}

// A place in rows and columns for each state and the question: a column is a depth, and every
// branch that begins has a row of its own, so that lines never cross.
export function layout(states) {
  const below = children(states);
  const depth = depths(states);
  const rows = new Map();
  let row = 0;
  const open = [0];
  while (open.length) {
    const id = open.pop();
    rows.set(id, row);
    const next = below.get(id);
    if (next.length === 0) row += 1;
    open.push(...[...next].reverse());
  }
  const size = { columns: Math.max(0, ...depth.values()) + 1, rows: Math.max(row, 1) };
  return { places: new Map([...depth].map(([id, x]) => [id, { x, y: rows.get(id) }])), size };
}

export function lanes(states) {
  const found = new Map();
  for (const state of states.values()) {
    if (!found.has(state.path)) found.set(state.path, []);
    found.get(state.path).push(state);
  }
  return new Map([...found].sort(([one], [other]) => one - other));
}

export function steps(states) {
  const depth = depths(states);
  const found = [];
  for (const state of states.values()) (found[depth.get(state.id) - 1] ??= []).push(state);
  return found;
}

// Events and solutions as the page keeps them, and where states stand in the tree.

import assert from "node:assert/strict";
import { test } from "node:test";

import { apply, emptyModel, isOver, livePath, modelOf } from "../../app/page/static/model.mjs";
import { columns, layout, steps } from "../../app/page/static/tree.mjs";
import { outcome } from "../../app/page/static/words.mjs";
import { markdown } from "../../app/page/static/markdown.mjs";
import { curl, manner } from "../../app/page/static/request.mjs";

const state = (id, parent, more = {}) => ({
  id, parent, path: 0, number: id, action: "solve_subquestion", label: "Solve Subquestion",
  output: `${id}`, target: null, legal: true, origin: "model", verdict: "verified", checks: [],
  tokens: 2, seconds: 0.1, ...more,
});
const WRONG = { claim: "1 + 1 = 3", computed: "2", verdict: "refuted", start: 0, end: 9, reason: null };
const solution = (more = {}) => ({
  id: "sol_1", status: "completed", question: "q", model: "m", strategy: "single", answer: "2",
  answer_path: 0, text: null, transitions: [state(1, 0), state(2, 1)],
  paths: [{ path: 0, states: [1, 2], answer: "2", resolved: true, weight: null }],
  usage: { completion_tokens: 4, discarded_tokens: 0 }, incomplete_reason: null, error: null,
  created_at: 0, completed_at: 1, source: null, ...more,
});
// 1 - 2 - 3 - 4 is gone back from to 1, and from 6 to 5.
const tree = () =>
  new Map([[1, 0], [2, 1], [3, 2], [4, 3], [5, 1], [6, 5], [7, 5]].map(([id, parent]) => [id, state(id, parent)]));

test("a state grows by offsets in characters, and what is sent again is not doubled", () => {
  const model = emptyModel();
  apply(model, { type: "solution.created", solution: solution({ status: "in_progress" }) });
  apply(model, { type: "transition.started", id: 1, parent: 0, path: 0, number: 1, action: "formalize" });
  const delta = (offset, text) => apply(model, { type: "transition.delta", id: 1, offset, delta: text });
  delta(0, "a😀");
  delta(2, "b");
  assert.equal(model.states.get(1).output, "a😀b");
  delta(0, "a😀bc"); // What a late reader gets: everything so far.
  assert.equal(model.states.get(1).output, "a😀bc");
  delta(4, "d");
  assert.equal(model.states.get(1).output, "a😀bcd");
});

test("a server that begins anew makes what was shown void, but for what it says stands", () => {
  const model = emptyModel();
  const begin = (transitions) => ({
    type: "solution.in_progress",
    solution: solution({ status: "in_progress", transitions, paths: [] }),
  });
  apply(model, begin([]));
  apply(model, { type: "transition.completed", transition: state(1, 0) });
  apply(model, { type: "transition.completed", transition: state(2, 1) });
  apply(model, begin([state(1, 0)]));
  assert.deepEqual([[...model.states.keys()], model.version], [[1], 1]);
  apply(model, begin([]));
  assert.deepEqual([[...model.states.keys()], model.version], [[], 2]);
});

test("states that were never completed are gone at the end", () => {
  const model = emptyModel();
  apply(model, { type: "solution.in_progress", solution: solution({ status: "in_progress" }) });
  apply(model, { type: "transition.started", id: 9, parent: 0, path: 1, number: 1, action: "verify" });
  apply(model, { type: "solution.completed", solution: solution() });
  assert.deepEqual([[...model.states.keys()], isOver(model)], [[1, 2], true]);
});

test("dead ends stand beside the line that goes on", () => {
  const placed = columns(tree());
  const found = [...placed].map(([id, { column, begins }]) => [id, column, begins]).sort();
  assert.deepEqual(found, [
    [1, 0, false], [2, 1, true], [3, 1, false], [4, 1, false], [5, 0, false], [6, 1, true], [7, 0, false],
  ]);
});

test("every branch has a row of its own in the tree", () => {
  const { places, size } = layout(tree());
  assert.deepEqual(size, { columns: 5, rows: 3 });
  const taken = new Set([...places.values()].map(({ x, y }) => `${x} ${y}`));
  assert.equal(taken.size, places.size);
});

test("steps are the states of a depth", () => {
  assert.deepEqual(steps(tree()).map((step) => step.map(({ id }) => id)), [[1], [2, 5], [3, 6, 7], [4]]);
});

test("until there is an answer, the path is the way to the newest state", () => {
  const model = modelOf(solution({ status: "in_progress", answer: null, paths: [], transitions: [...tree().values()] }));
  assert.deepEqual([...livePath(model)], [1, 5, 7]);
});

test("an answer is called what it is", () => {
  const kind = (more) => outcome(modelOf(solution(more))).kind;
  const refuted = [state(1, 0), state(2, 1, { verdict: "refuted", checks: [WRONG] })];
  assert.equal(kind({}), "good");
  assert.equal(kind({ transitions: refuted }), "doubt");
  assert.equal(kind({ transitions: [state(1, 0, { verdict: "unchecked" }), state(2, 1, { verdict: "unchecked" })] }), "unchecked");
  assert.equal(kind({ answer: null, text: "hello", paths: [] }), "plain");
  assert.equal(kind({ status: "incomplete", answer: null, incomplete_reason: "max_tokens" }), "none");
  const dead = { transitions: [...refuted, state(3, 1)], paths: [{ path: 0, states: [1, 3], answer: "2", resolved: true, weight: null }] };
  assert.equal(kind(dead), "good", "what is refuted off the path does not count");
  const told = outcome(modelOf(solution({ transitions: refuted }))).lines.join(" ");
  assert.match(told, /rests on a refuted step: State 2 says 1 \+ 1 = 3, but it is 2/);
});

test("an answer of few paths is doubted, and the starter says what it is", () => {
  const path = (number, answer) => ({ path: number, states: [1, 2], answer, resolved: true, weight: 1 });
  const few = outcome(modelOf(solution({ strategy: "vote-4", model: "starter", paths: [path(0, "2"), path(1, "3"), path(2, "4")] })));
  assert.equal(few.kind, "doubt");
  assert.match(few.lines.join(" "), /Only 1 of 3 paths.*The starter reasoner knows short school problems/s);
  const most = outcome(modelOf(solution({ strategy: "vote", paths: [path(0, "2"), path(1, "2"), path(2, "4")] })));
  assert.equal(most.kind, "good");
});

test("an answer whose numbers are not the problem's is not called good", () => {
  const found = (grounding) => outcome(modelOf(solution({ grounding })));
  assert.equal(found({ unsaid: [], unused: [] }).kind, "good");
  assert.equal(found(null).kind, "good");
  const unused = found({ unsaid: [], unused: ["3", "30%"] });
  assert.equal(unused.kind, "unchecked");
  assert.match(unused.lines.join(" "), /No step mentions 3 and 30%, which the problem gives\./);
  const unsaid = found({ unsaid: ["1", "2", "3", "4", "5"], unused: [] });
  assert.match(unsaid.lines.join(" "), /takes 1, 2, 3 and 2 more for given/);
});

test("votes are counted by the number that they name", () => {
  const path = (number, answer) => ({ path: number, states: [1, 2], answer, resolved: true, weight: 1 });
  const paths = [path(0, "1/2"), path(1, "0.5"), path(2, "3")];
  const found = outcome(modelOf(solution({ strategy: "vote-4", answer: "1/2", paths, answer_path: 0 })));
  assert.match(found.lines.join(" "), /2 of 3 paths with an answer/);
});

test("Markdown of a solution is text, whatever the model wrote", () => {
  const text = markdown(modelOf(solution({ question: "<b>*q*</b>", transitions: [state(1, 0, { output: "1 * 2\n# x" }), state(2, 1)] })));
  assert.match(text, /^> \\<b\\>\\\*q\\\*\\<\/b\\>/);
  assert.match(text, /1 \\\* 2 {2}\n {2}\\# x/);
  assert.match(text, /\*\*Answer: 2\*\*/);
});

test("the form becomes a request, its empty fields left to the server", () => {
  assert.deepEqual(manner({ strategy: "vote", "vote.paths": "6", "vote.stop": "", "beam.width": "2", seed: "0", max_tokens: "" }), {
    strategy: "vote", background: true, deltas: true, seed: 0, vote: { paths: 6 },
  });
});

test("the command quotes what a shell would take", () => {
  const text = curl("http://h/v1/solutions", { question: "Ann's $x `y`", background: true }, true);
  assert.match(text, /-d '\{"question":"Ann'\\''s \$x `y`","stream":true\}'/);
  assert.match(text, /Bearer \$STATEWISE_API_KEY"/);
});

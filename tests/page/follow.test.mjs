// Following a solution through cuts: nothing is missed, nothing is told twice.

import assert from "node:assert/strict";
import { test } from "node:test";

import { follow } from "../../app/page/static/follow.mjs";

const frame = (event) =>
  `event: ${event.type}\n${"sequence_number" in event ? `id: ${event.sequence_number}\n` : ""}data: ${JSON.stringify(event)}\n\n`;
const numbered = (sequence_number, type) => ({ type, sequence_number });
const EVENTS = [
  numbered(0, "solution.created"),
  numbered(1, "transition.started"),
  { type: "transition.delta", id: 1, offset: 0, delta: "x" },
  numbered(2, "transition.completed"),
  numbered(3, "solution.completed"),
];

function stream(text, broken = false) {
  return new ReadableStream({
    start(controller) {
      controller.enqueue(new TextEncoder().encode(text));
      if (broken) controller.error(new TypeError("network error"));
      else controller.close();
    },
  });
}

// A server that cuts its answer after `cuts[n]` events the n-th time.
function server(cuts) {
  const asked = [];
  const open = async (after) => {
    const cut = cuts[asked.length] ?? EVENTS.length;
    asked.push(after);
    const left = EVENTS.filter((event) => (event.sequence_number ?? Infinity) > after).slice(0, cut);
    return { status: 200, body: stream(left.map(frame).join("")) };
  };
  return { asked, open };
}

async function followed(open) {
  const seen = [];
  const cuts = [];
  await follow(open, {
    onEvent: (event) => seen.push(event),
    onCut: (cut) => cuts.push(cut),
    signal: new AbortController().signal,
    wait: async () => {},
  });
  return { seen, cuts };
}

test("a whole stream", async () => {
  const { asked, open } = server([]);
  const { seen, cuts } = await followed(open);
  assert.deepEqual(seen, EVENTS);
  assert.deepEqual([asked, cuts], [[-1], []]);
});

test("a stream that is cut goes on after the last numbered event", async () => {
  const { asked, open } = server([2, 2, 0]);
  const { seen, cuts } = await followed(open);
  const numbers = seen.map((event) => event.sequence_number).filter((number) => number !== undefined);
  assert.deepEqual(numbers, [0, 1, 2, 3]);
  assert.deepEqual(asked, [-1, 1, 2, 2]);
  assert.deepEqual(cuts, [true, false, true, false, true, false].slice(0, cuts.length));
});

test("what a server sends again is not told again", async () => {
  let calls = 0;
  const open = async () => {
    calls += 1;
    return { status: 200, body: stream(EVENTS.slice(0, calls === 1 ? 4 : 5).map(frame).join("")) };
  };
  const { seen } = await followed(open);
  assert.equal(seen.filter((event) => event.sequence_number === 2).length, 1);
});

test("204 ends it, and so does an error that lasts", async () => {
  assert.deepEqual((await followed(async () => ({ status: 204 }))).seen, []);
  const gone = Object.assign(new Error("no such solution"), { lasting: true });
  await assert.rejects(followed(() => Promise.reject(gone)), /no such solution/);
});

test("a server that is away is asked again", async () => {
  let calls = 0;
  const { open } = server([]);
  const { seen } = await followed(async (after) => {
    calls += 1;
    if (calls < 4) throw new TypeError("Failed to fetch");
    return open(after);
  });
  assert.equal(seen.length, EVENTS.length);
});

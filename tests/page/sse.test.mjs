// The parser of event streams: examples of the standard, and cuts at every place.

import assert from "node:assert/strict";
import { test } from "node:test";

import { EventParser } from "../../app/page/static/sse.mjs";

const parsed = (...pieces) => {
  const parser = new EventParser();
  return pieces.flatMap((piece) => parser.push(piece));
};

test("an event is its type, its lines of data and the last id", () => {
  assert.deepEqual(parsed("event: add\ndata: 1\ndata:2\nid: 7\n\ndata:  x\n\n"), [
    { type: "add", data: "1\n2", id: "7" },
    { type: "message", data: " x", id: "7" },
  ]);
});

test("comments, unknown fields, events without data and unfinished ones are nothing", () => {
  assert.deepEqual(parsed(": ping\n\nretry: 5\n\nevent: add\n\ndata: half"), []);
});

test("a heartbeat within an event does not end it", () => {
  assert.deepEqual(parsed("data: 1\n: ping\ndata: 2\n\n")[0].data, "1\n2");
});

test("a field without a colon has an empty value, and a mark at the beginning is skipped", () => {
  assert.deepEqual(parsed("\uFEFFdata\n\n"), [{ type: "message", data: "", id: "" }]);
});

test("where the text is cut makes no difference, whatever ends its lines", () => {
  const body = "id: 1\nevent: a\ndata: {\"x\":\"é\"}\n\n: ping\nid: 2\ndata: b\ndata: c\n\n";
  for (const end of ["\n", "\r\n", "\r"]) {
    const text = body.replaceAll("\n", end);
    const whole = parsed(text, "\n"); // What comes next tells a lone \r from half of \r\n.
    assert.equal(whole.length, 2);
    for (let at = 0; at <= text.length; at += 1) {
      assert.deepEqual(parsed(text.slice(0, at), text.slice(at), "\n"), whole, `cut at ${at}`);
    }
  }
});

// A solution's events until its end, through cut connections: each new one goes on after the
// last numbered event that was seen.

import { EventParser } from "./sse.mjs";

const FIRST_WAIT_MS = 500;
const LONGEST_WAIT_MS = 10_000;

export const ENDS = new Set([
  "solution.completed",
  "solution.incomplete",
  "solution.failed",
  "solution.cancelled",
]);

// Calls `onEvent` with each event. `onCut` is told when the connection is lost (true) and when it
// is back (false). Errors of the server, such as 404, are thrown; what may pass is waited for.
export async function follow(open, { onEvent, onCut, signal, wait = waited }) {
  let after = -1;
  let patience = FIRST_WAIT_MS;
  let cut = false;
  let ended = false;
  while (!signal.aborted) {
    try {
      const response = await open(after, signal);
      if (response.status === 204) return;
      if (cut) onCut((cut = false));
      for await (const event of events(response.body)) {
        patience = FIRST_WAIT_MS;
        const number = event.sequence_number;
        if (number !== undefined && number <= after) continue;
        if (number !== undefined) after = number;
        onEvent(event);
        ended ||= ENDS.has(event.type);
      }
      if (ended) return;
    } catch (error) {
      if (signal.aborted) return;
      if (ended) return;
      if (error.lasting) throw error;
    }
    if (!cut) onCut((cut = true));
    await wait(patience * (0.75 + Math.random() / 2), signal);
    patience = Math.min(patience * 2, LONGEST_WAIT_MS);
  }
}

async function* events(body) {
  const parser = new EventParser();
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      for (const event of parser.push(value)) yield JSON.parse(event.data);
    }
  } finally {
    reader.cancel().catch(() => {});
  }
}

function waited(milliseconds, signal) {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, milliseconds);
    signal.addEventListener("abort", () => (clearTimeout(timer), resolve()), { once: true });
  });
}

// The events of a solution, with `for await`. A stream that is cut goes on where it was; leaving the
// loop ends the solution. Runs in browsers and in Node, Deno and Bun, and needs no packages.

import type { Event, SolutionRequest } from "./types.js";

export type Options = {
  /** The server, `http://127.0.0.1:8000` by default. */
  url?: string;
  /** Sent as a bearer token if the server needs one. */
  apiKey?: string;
  /** Ends the solution, and the loop with the signal's reason. */
  signal?: AbortSignal;
  /** How long a server that is gone or full is waited for, in milliseconds; a minute by default. */
  patience?: number;
};

/** The server refused a request; `code` and `param` are those of its error object. */
export class Refused extends Error {
  constructor(
    message: string,
    readonly status: number,
    readonly code: string | null,
    readonly param: string | null,
    readonly retryAfter: number | null,
  ) {
    super(message);
  }
}

const LATER = new Set([408, 429, 502, 503, 504]);
const LONGEST = 10_000;
const PATIENCE = 60_000;
const FAREWELL = 2_000;
/** A server never asks for a longer wait. */
const MAX_RETRY_AFTER = 120_000;

/** Solves a problem; its events as they happen, the last of which ends it. */
export async function* solve(
  request: SolutionRequest,
  options: Options = {},
): AsyncGenerator<Event, void, void> {
  const body = JSON.stringify({ ...request, stream: true, background: true });
  const key = { "content-type": "application/json", "idempotency-key": randomId() };
  const asked: Sent = ["/v1/solutions", { method: "POST", body, headers: key }];
  const place: Place = { last: -1 };
  let sent = false;
  try {
    yield* following(options, place, () => {
      sent = true;
      return place.id === undefined ? asked : eventsOf(place.id, place.last);
    });
  } catch (error) {
    if (sent && options.signal?.aborted) await take(asked, place, options).catch(() => {});
    throw error;
  } finally {
    // The loop was left: nobody reads what is still to come.
    if (place.id !== undefined && !place.over) {
      await ended(place.id, { ...options, signal: AbortSignal.timeout(FAREWELL) }).catch(() => {});
    }
  }
}

/** Which solution was asked for, if no event has said so yet: the same key is answered with it. */
async function take(asked: Sent, place: Place, options: Options): Promise<void> {
  if (place.id !== undefined) return;
  const waiting = { ...options, signal: AbortSignal.timeout(FAREWELL) };
  for await (const event of read(await opened(waiting, ...asked))) {
    place.id = event.solution_id;
    place.over = isEnd(event);
    return;
  }
}

/** The events of a solution after number `after`, and those to come; leaving the loop ends nothing. */
export async function* follow(
  id: string,
  options: Options & { after?: number } = {},
): AsyncGenerator<Event, void, void> {
  const place: Place = { id, last: options.after ?? -1 };
  yield* following(options, place, () => eventsOf(id, place.last));
}

/** Ends a solution. */
export async function cancel(id: string, options: Options = {}): Promise<void> {
  const { signal: _, ...rest } = options;
  await ended(id, rest);
}

async function ended(id: string, options: Options): Promise<void> {
  await opened(options, `/v1/solutions/${encodeURIComponent(id)}/cancel`, { method: "POST" });
}

type Place = { id?: string; last: number; over?: boolean };
type Sent = [path: string, init: RequestInit];

function eventsOf(id: string, last: number): Sent {
  return [`/v1/solutions/${encodeURIComponent(id)}/events?starting_after=${last}`, {}];
}

async function* following(
  options: Options,
  place: Place,
  next: () => Sent,
): AsyncGenerator<Event, void, void> {
  let failures = 0;
  let since = Date.now();
  while (!place.over) {
    options.signal?.throwIfAborted();
    try {
      const response = await opened(options, ...next());
      if (response.status === 204) return;
      // Heartbeats are heard too; a bare status is not.
      const heard = () => {
        failures = 0;
      };
      for await (const event of read(response, heard)) {
        if ("sequence_number" in event) {
          if (event.sequence_number <= place.last) continue;
          place.last = event.sequence_number;
        }
        place.id = event.solution_id;
        place.over = isEnd(event);
        yield event;
        if (place.over) return;
      }
      throw new TypeError("the stream ended before the solution");
    } catch (error) {
      options.signal?.throwIfAborted();
      // `fetch` throws a TypeError where there is no connection, or no more.
      const passes = error instanceof Refused ? LATER.has(error.status) : error instanceof TypeError;
      if (!passes) throw error;
      if (failures === 0) since = Date.now();
      const asked = error instanceof Refused ? error.retryAfter : null;
      const wait = asked ?? Math.min(LONGEST, 250 * 2 ** failures) * (0.5 + Math.random() / 2);
      failures += 1;
      if (Date.now() + wait > since + (options.patience ?? PATIENCE)) throw error;
      await pause(wait, options.signal);
    }
  }
}

/** Waits, unless `signal` ends it. */
function pause(wait: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve) => {
    const end = () => {
      clearTimeout(timer);
      signal?.removeEventListener("abort", end);
      resolve();
    };
    const timer = setTimeout(end, wait);
    signal?.addEventListener("abort", end);
  });
}

function isEnd(event: Event): boolean {
  switch (event.type) {
    case "solution.completed":
    case "solution.incomplete":
    case "solution.failed":
    case "solution.cancelled":
      return true;
    default:
      return false;
  }
}

async function opened(options: Options, path: string, init: RequestInit): Promise<Response> {
  const headers = new Headers(init.headers);
  if (options.apiKey) headers.set("authorization", `Bearer ${options.apiKey}`);
  const url = `${(options.url ?? "http://127.0.0.1:8000").replace(/\/+$/, "")}${path}`;
  const response = await fetch(url, { ...init, headers, signal: options.signal ?? null });
  if (response.ok) return response;
  const found = await response.json().catch(() => ({}));
  const { message, code = null, param = null } = found.error ?? {};
  throw new Refused(
    message ?? `the server answered ${response.status}`,
    response.status,
    code,
    param,
    retryAfter(response.headers),
  );
}

/** What the server asks for, in milliseconds: as it gives them, else in whole seconds. */
function retryAfter(headers: Headers): number | null {
  for (const [name, unit] of [["retry-after-ms", 1], ["retry-after", 1_000]] as const) {
    const wait = Number.parseFloat(headers.get(name) ?? "") * unit;
    if (!Number.isNaN(wait)) return Math.min(Math.max(0, wait), MAX_RETRY_AFTER);
  }
  return null;
}

/** The events of a response; `heard` is told of all that comes. */
async function* read(
  response: Response,
  heard: () => void = () => {},
): AsyncGenerator<Event, void, void> {
  if (response.body === null) return;
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  try {
    let rest = "";
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      heard();
      const frames = (rest + value).split("\n\n");
      rest = frames.pop() ?? "";
      for (const frame of frames) {
        const data = frame.split("\n").find((line) => line.startsWith("data: "));
        if (data) yield JSON.parse(data.slice(6)) as Event;
      }
    }
  } finally {
    await reader.cancel().catch(() => {});
  }
}

/** Not `crypto.randomUUID`, which pages have only over TLS. */
function randomId(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

// Uses the compiled TypeScript client: node typescript.mjs DIST URL SLOW QUESTION

import { once } from "node:events";
import { createServer } from "node:http";

const [dist, url, slow, question] = process.argv.slice(2);
const { Refused, follow, solve } = await import(`${dist}/src/index.js`);

async function all(events) {
  const found = [];
  for await (const event of events) found.push(event);
  return found;
}

async function ended(id) {
  const events = await all(follow(id, { url: slow }));
  return events.at(-1).type;
}

const told = { events: await all(solve({ question, deltas: true }, { url })) };

for await (const event of solve({ question }, { url: slow })) {
  if (event.type === "transition.started") {
    told.left = event.solution_id;
    break;
  }
}
told.left = await ended(told.left);

const aborting = new AbortController();
try {
  for await (const event of solve({ question }, { url: slow, signal: aborting.signal })) {
    told.aborted = event.solution_id;
    aborting.abort(new Error("enough"));
  }
} catch (error) {
  told.reason = error.message;
}
told.aborted = await ended(told.aborted);

// Aborted when the server has begun and no event has said what.
const early = new AbortController();
const real = globalThis.fetch;
globalThis.fetch = async (...asked) => {
  const response = await real(...asked);
  globalThis.fetch = real;
  early.abort(new Error("early"));
  return response;
};
try {
  await all(solve({ question, metadata: { who: "early" } }, { url: slow, signal: early.signal }));
} catch (error) {
  const kept = await (await fetch(`${slow}/v1/solutions`)).json();
  const { id } = kept.data.find((one) => one.metadata.who === "early");
  told.early = [error.message, await ended(id)];
}

// A server that says nothing does not hold who has given up, and is not asked after that.
let posts = 0;
const silent = createServer(() => (posts += 1)).listen(0, "127.0.0.1");
await once(silent, "listening");
const mute = `http://127.0.0.1:${silent.address().port}`;
for (const signal of [AbortSignal.abort(new Error("before")), AbortSignal.timeout(200)]) {
  const began = Date.now();
  try {
    await all(solve({ question }, { url: mute, signal }));
  } catch (error) {
    told.silent = [...(told.silent ?? []), [posts, error.name, Date.now() - began < 5_000]];
  }
}
silent.closeAllConnections();
silent.close();

// A proxy that cuts every connection after a heartbeat, or before it.
const frame = (event) => `data: ${JSON.stringify(event)}\n\n`;
const [first, ...rest] = told.events.filter((event) => "sequence_number" in event);
told.capped = [];
for (const beat of [":\n\n", ""]) {
  let asked = 0;
  const capped = createServer((request, response) => {
    if (request.url.endsWith("/cancel")) return response.end("{}");
    response.writeHead(200, { "content-type": "text/event-stream" }).flushHeaders();
    asked += 1;
    const said = asked === 1 ? frame(first) : asked < 6 ? beat : rest.map(frame).join("");
    setTimeout(() => response.write(said, () => response.destroy()), 100);
  }).listen(0, "127.0.0.1");
  await once(capped, "listening");
  const short = { url: `http://127.0.0.1:${capped.address().port}`, patience: 600 };
  try {
    told.capped.push((await all(solve({ question }, short))).at(-1).type);
  } catch (error) {
    told.capped.push(error.name);
  }
  capped.close();
}

// The wait that a gateway asks for ends with the signal, and its length has a limit.
told.gateway = [];
for (const name of ["retry-after-ms", "retry-after"]) {
  let tries = 0;
  const gateway = createServer((_, response) => {
    tries += 1;
    response.writeHead(504, { [name]: "999999999" }).end();
  }).listen(0, "127.0.0.1");
  await once(gateway, "listening");
  const late = `http://127.0.0.1:${gateway.address().port}`;
  const began = Date.now();
  try {
    const signal = AbortSignal.timeout(300);
    await all(solve({ question }, { url: late, signal, patience: 200_000 }));
  } catch (error) {
    told.gateway.push([tries, error.name, Date.now() - began < 5_000]);
  }
  try {
    await all(solve({ question }, { url: late, patience: 0 }));
  } catch (error) {
    told.gateway.push(error.retryAfter);
  }
  gateway.close();
}

try {
  await all(solve({ question, strategy: "magic" }, { url: slow }));
} catch (error) {
  told.refused = [error instanceof Refused, error.status, error.param];
}
console.log(JSON.stringify(told));

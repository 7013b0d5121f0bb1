// Requests to the server that this page came from. The key, where one is needed, stays in the tab.

const STORED = "statewise.key";

export class ApiError extends Error {
  constructor(status, error) {
    super(error?.message ?? `the server answered with ${status}`);
    this.status = status;
    this.param = error?.param ?? null;
    // Whether asking again is of no use.
    this.lasting = status < 500 && status !== 429 && status !== 408;
  }
}

let asking = null;
let declined = false; // Nobody is asked twice but for something they did.
let askKey = async () => null;

// `ask` gets what the server says, and gives a key, or null if none is to be had.
export function onKeyNeeded(ask) {
  askKey = ask;
}

export function key() {
  return sessionStorage.getItem(STORED);
}

export function setKey(value) {
  if (value) sessionStorage.setItem(STORED, value);
  else sessionStorage.removeItem(STORED);
}

export function address(path) {
  return new URL(path, document.baseURI).href;
}

// The response of a request that was answered with success. Asks for a key and tries again once
// the server says that it needs one.
export async function send(path, { method = "GET", body, headers = {}, signal } = {}) {
  for (;;) {
    const used = key();
    const response = await fetch(new URL(path, document.baseURI), {
      method,
      body,
      signal,
      headers: used ? { ...headers, authorization: `Bearer ${used}` } : headers,
      cache: "no-store",
      credentials: "omit",
      redirect: "error",
    });
    if (response.ok) return response;
    const error = new ApiError(response.status, await errorOf(response));
    if (response.status !== 401) throw error;
    if (key() !== used) continue; // Another request got one in the meantime.
    if (declined && method === "GET") throw error;
    asking ??= askKey(used ? error.message : null).finally(() => (asking = null));
    const given = await asking;
    declined = !given;
    if (declined) throw error;
    setKey(given);
  }
}

export async function get(path, options = {}) {
  return (await send(path, options)).json();
}

export async function post(path, body = undefined) {
  const told =
    body === undefined || body instanceof FormData
      ? { body }
      : { body: JSON.stringify(body), headers: { "content-type": "application/json" } };
  return (await send(path, { method: "POST", ...told })).json();
}

export async function remove(path) {
  return (await send(path, { method: "DELETE" })).json();
}

// A solution's events after number `after`; -1 are all of them.
export function openEvents(id) {
  return (after, signal) =>
    send(`v1/solutions/${encodeURIComponent(id)}/events`, {
      signal,
      headers: {
        accept: "text/event-stream",
        ...(after >= 0 ? { "last-event-id": String(after) } : {}),
      },
    });
}

async function errorOf(response) {
  try {
    return (await response.json()).error;
  } catch {
    return null;
  }
}

// Says things to those who do not see the page, politely; what comes at once is said together.

import { byId } from "../dom.mjs";

const GATHERED_MS = 400;
const MOST = 5;
let waiting = [];

export function announce(text) {
  waiting.push(text);
  if (waiting.length > 1) return;
  setTimeout(() => {
    const left = waiting.length - MOST;
    const told = left > 0 ? [...waiting.slice(-MOST), `${left} more before`] : waiting;
    byId("live").textContent = told.join(". ");
    waiting = [];
  }, GATHERED_MS);
}

// When two answers are the same: the rule of `statespace/answers.py`, which the server counts by.

const LONGEST = 2_000;
const FRACTION = /(?:(\d) ?)?\\[dt]?frac\{(\d{1,400})\}\{(\d{1,400})\}/g;
const PLAIN = new RegExp(
  "^[$€£¥]? ?(?<sign>[-\\u2212+]?) ?[$€£¥]? ?" +
    "(?:(?<wholes>\\d{1,400}) (?=\\d{1,2} ?/))?" +
    "(?<digits>(?=\\.?\\d)\\d{0,400}(?:[, ]\\d{3}){0,100}(?:\\.\\d{0,400})?)" +
    "(?: ?/ ?(?<denominator>\\d{1,400}))?" +
    "(?<percent> ?%| percent\\b)? ?[$€£¥]?" +
    "(?: (?!(?:hundred|thousand|[mb]illion|trillion|dozen)s?\\b)[a-zA-Z]{2}[a-zA-Z ./]{0,40})?$",
);

// What an answer is counted as: equal answers have the same, a number however it is written.
export function valueOf(answer) {
  return number(answer) ?? folded(answer);
}

function number(answer) {
  if (answer.length > LONGEST) return null;
  const plain = answer.replace(FRACTION, (_, wholes, over, under) =>
    `${wholes === undefined ? "" : `${wholes} `}${over}/${under}`,
  );
  const found = PLAIN.exec(plain.trim().split(/\s+/).join(" "))?.groups;
  if (!found) return null;
  const [whole, decimals = ""] = found.digits.replace(/[, ]/g, "").split(".");
  let over = BigInt(whole + decimals || "0");
  let under = 10n ** BigInt(decimals.length);
  if (found.denominator) {
    if (BigInt(found.denominator) === 0n) return null;
    under *= BigInt(found.denominator);
  }
  over += BigInt(found.wholes ?? 0) * under;
  if (found.percent) under *= 100n;
  if (found.sign === "-" || found.sign === "\u2212") over = -over;
  const shared = divisor(over < 0n ? -over : over, under);
  return `${over / shared}/${under / shared}`;
}

function divisor(one, other) {
  while (other) [one, other] = [other, one % other];
  return one;
}

// Without case, and without the spaces that do not part two words or numbers.
function folded(answer) {
  const text = answer.trim().split(/\s+/).join(" ");
  return text.replace(/(?<![\p{L}\p{N}_]) | (?![\p{L}\p{N}_])/gu, "").toLowerCase();
}

// Divides an output into text and formulas: [{text}, {formula, display}, …].

import { formulaAt } from "./grammar.mjs";
import { Source } from "./scanner.mjs";

// Between delimiters: \( \), \[ \], $$ $$, and $ $ unless it is money.
const DELIMITED =
  /\\\(([^]{1,600}?)\\\)|\\\[([^]{1,600}?)\\\]|\$\$([^$]{1,600})\$\$|\$(?!\s)([^$\n]{1,300}?)(?<!\s)\$(?!\d)/g;
const PROSE = /(?<!\\[A-Za-z]*)[A-Za-z]{2,} [A-Za-z]{2,}/;

export const TYPESET_MOST = 4_000;

export function typeset(text) {
  if (text.length > TYPESET_MOST) return [{ text }];
  const source = new Source(text);
  const parts = [];
  let from = 0;
  for (const found of text.matchAll(DELIMITED)) {
    const inner = found.slice(1).find((one) => one !== undefined);
    if (found[4] !== undefined && PROSE.test(inner)) continue;
    const start = found.index + found[0].indexOf(inner);
    const formula = formulaAt(source, start, start + inner.length, true);
    if (!formula) continue;
    plain(source, from, found.index, parts);
    parts.push({ formula: formula.tree, display: found[2] !== undefined });
    from = found.index + found[0].length;
  }
  plain(source, from, text.length, parts);
  return parts;
}

// Formulas in running text.
function plain(source, from, end, parts) {
  const { text } = source;
  let at = from;
  let begun = from;
  let joined = false; // Whether the piece before touches this one, as in a word with a digit.
  while (at < end) {
    const piece = source.piece(at);
    if (!piece) break;
    const found = joined || piece.kind === "space" ? null : formulaAt(source, at, end);
    if (!found) {
      joined = /[\p{L}\p{N}_.</&]$/u.test(piece.text);
      at = piece.end;
      continue;
    }
    if (at > begun) parts.push({ text: text.slice(begun, at) });
    parts.push({ formula: found.tree, display: false });
    joined = false;
    at = begun = found.end;
  }
  if (end > begun) parts.push({ text: text.slice(begun, end) });
}

// A formula in pieces between which a line may break: before relations and the signs of sums.
export function breakable(tree) {
  if (!tree.level) return [tree];
  const pieces = [];
  for (const part of tree.children.flatMap((child) => (child.level ? child.children : [child]))) {
    if (part.tag === "mo" || !pieces.length) pieces.push([part]);
    else pieces[pieces.length - 1].push(part);
  }
  return pieces.map((children) => (children.length === 1 ? children[0] : { tag: "mrow", children }));
}

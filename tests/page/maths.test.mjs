// What outputs hold as formulas. Written out: {a ÷ b} is a fraction, ¦ a place to break a line.

import assert from "node:assert/strict";
import { test } from "node:test";

import { TYPESET_MOST, breakable, typeset } from "../../app/page/static/maths/typeset.mjs";

function written(tree) {
  if (!tree.children) return tree.tag === "mtext" ? `"${tree.text.trim()}"` : tree.text;
  const parts = tree.children.map(written);
  if (tree.boxed) return `[${parts}]`;
  if (tree.tag === "mrow") return parts.join(" ");
  const [first, second] = parts;
  return { mfrac: `{${first} ÷ ${second}}`, msup: `${first}^(${second})`, msub: `${first}_(${second})`, msqrt: `√(${first})` }[tree.tag];
}

const read = (text) =>
  typeset(text).map((part) => part.text ?? `⟦${breakable(part.formula).map(written).join(" ¦ ")}⟧`).join("");

const FORMULAS = [
  ["m = 48 / 2 = 24", "⟦m ¦ = {48 ÷ 2} ¦ = 24⟧"],
  ["Let m be May's. m = 48 / 2", "Let m be May's. ⟦m ¦ = {48 ÷ 2}⟧"],
  ["says 48 / 2 = 26, but 48 / 2 = 24.", "says ⟦{48 ÷ 2} ¦ = 26⟧, but ⟦{48 ÷ 2} ¦ = 24⟧."],
  ["The final answer is \\boxed{72}.", "The final answer is ⟦[72]⟧."],
  ["\\boxed{\\text{12 cm}}", "⟦[\"12 cm\"]⟧"],
  ["$13 * 9 = $117", "⟦$13 × 9 ¦ = $117⟧"],
  ["She pays $5 and $6, so $x$ and $5 + 3$.", "She pays $5 and $6, so ⟦x⟧ and ⟦5 ¦ + 3⟧."],
  ["20% of 50 = 10", "⟦20% \"of\" 50 ¦ = 10⟧"],
  ["1/2 of 48 = 24", "⟦{1 ÷ 2} \"of\" 48 ¦ = 24⟧"],
  ["48 clips / 2 = 24 clips", "⟦{48 \"clips\" ÷ 2} ¦ = 24⟧ clips"],
  ["3 hours * 60 minutes/hour = 180", "⟦3 \"hours\" × 60 \"minutes/hour\" ¦ = 180⟧"],
  ["total = 48 + 24 = 72", "⟦\"total\" ¦ = 48 ¦ + 24 ¦ = 72⟧"],
  ["(3 + 4) / 2 = 3.5", "⟦{3 + 4 ÷ 2} ¦ = 3.5⟧"],
  ["12 / 2 / 3 * 4", "⟦{{12 ÷ 2} ÷ 3} × 4⟧"],
  ["2^3^2 - -1", "⟦2^(3^(2)) ¦ − − 1⟧"],
  ["2x + 2(3 + 4) = 1,234.50", "⟦2 x ¦ + 2 ( 3 + 4 ) ¦ = 1,234.50⟧"],
  ["\\(x^{2} = \\frac{a}{b} \\times \\sqrt{2}\\) holds", "⟦x^(2) ¦ = {a ÷ b} × √(2)⟧ holds"],
  ["\\left(3+4\\right)\\cdot 2", "⟦( 3 + 4 ) · 2⟧"],
];

for (const [text, expected] of FORMULAS) {
  test(`${text}`, () => assert.equal(read(text), expected));
}

const TEXTS = [
  "1. What is c, the pens she has now?",
  "a 10-year-old on the x-axis, and/or a T-shirt",
  "I have 3 + a box",
  "Pick 1 or 2 - not both",
  "\\frac{1}{",
  "$\\frac{$",
  "f(x) is unknown",
];

for (const text of TEXTS) test(`text stays text: ${text}`, () => assert.equal(read(text), text));

// Everything that stands in an output is shown, in its order, whatever is made of it.
test("nothing is lost", () => {
  const kept = (text) => text.replace(/[^\p{L}\p{N}%$.,]/gu, "");
  const leaves = (tree) => (tree.children ? tree.children.map(leaves).join("") : tree.text);
  for (const [text] of FORMULAS.filter(([text]) => !text.includes("\\"))) {
    const shown = typeset(text).map((part) => part.text ?? leaves(part.formula)).join("");
    const money = text.includes("$x$") ? (one) => one.replaceAll("$", "") : (one) => one;
    assert.equal(money(kept(shown)), money(kept(text)));
  }
});

test("a leaf knows where it stands", () => {
  const leaves = (tree) => (tree.children ? tree.children.flatMap(leaves) : [tree]);
  const text = "so m = 48 / 2 = 26.";
  for (const { formula } of typeset(text).filter((part) => part.formula)) {
    for (const leaf of leaves(formula)) {
      if (leaf.tag === "mn") assert.equal(text.slice(leaf.start, leaf.end), leaf.text);
    }
  }
});

// Bounded by looks at the text, not by the clock: what is over the bound stays text.
test("hostile outputs come to an end, and no tree is deep", () => {
  const depth = (tree) => 1 + Math.max(0, ...(tree.children ?? []).map(depth));
  const pieces = ["(", "9^", "1+", "\\frac{", "a = ", "$a", "a/", "-", "\\boxed{", "2(", "x^{", "\\left(", "1% of "];
  for (const piece of pieces) {
    const text = piece.repeat(TYPESET_MOST / piece.length);
    for (const part of typeset(text)) if (part.formula) assert.ok(depth(part.formula) < 120, piece);
  }
  const long = "1 + ".repeat(30_000);
  assert.deepEqual(typeset(long), [{ text: long }]);
});

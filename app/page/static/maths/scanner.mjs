// The pieces that arithmetic in running text, and the LaTeX that models write, are made of.

const KINDS = [
  ["space", /[ \u00A0\t]+/y],
  ["number", /[$€£¥]?(?:\d{1,3}(?:,\d{3})+(?!\d)|\d+)(?:\.\d+)?(?:\\?%)?|[$€£¥]?\.\d+%?/y],
  ["command", /\\(?:[A-Za-z]+|[^A-Za-z\s])/y],
  ["word", /[A-Za-z]+(?:['’][a-z]+)?/y],
  ["symbol", /[^]/uy],
];

// A text and its pieces, each cut out once. After as many looks at it as an output can need, it
// has no more: what is left stays text, and nothing that a model writes takes long.
export class Source {
  #pieces = new Map();

  constructor(text) {
    this.text = text;
    this.looks = 1_000 + 10 * text.length;
  }

  // {kind, text, start, end} of the piece at `start`; null at the end.
  piece(start) {
    this.looks -= 1;
    if (start >= this.text.length || this.looks < 0) return null;
    if (!this.#pieces.has(start)) this.#pieces.set(start, this.#cut(start));
    return this.#pieces.get(start);
  }

  #cut(start) {
    for (const [kind, pattern] of KINDS) {
      pattern.lastIndex = start;
      const found = pattern.exec(this.text);
      if (found) return { kind, text: found[0], start, end: pattern.lastIndex };
    }
    return null;
  }
}

export const RELATIONS = new Map([
  ["=", "="], ["<", "<"], [">", ">"], ["≤", "≤"], ["≥", "≥"], ["≈", "≈"], ["≠", "≠"],
  ["\\le", "≤"], ["\\leq", "≤"], ["\\ge", "≥"], ["\\geq", "≥"], ["\\approx", "≈"],
  ["\\ne", "≠"], ["\\neq", "≠"], ["\\lt", "<"], ["\\gt", ">"], ["\\equiv", "≡"],
  ["\\implies", "⟹"], ["\\Rightarrow", "⇒"], ["\\to", "→"], ["\\rightarrow", "→"],
]);

export const SUMS = new Map([["+", "+"], ["-", "−"], ["−", "−"], ["\\pm", "±"]]);

export const PRODUCTS = new Map([
  ["*", "×"], ["×", "×"], ["·", "·"], ["÷", "÷"], ["\\times", "×"], ["\\cdot", "·"],
  ["\\div", "÷"], ["\\ast", "×"],
]);

export const LETTERS = new Map([
  ["\\alpha", "α"], ["\\beta", "β"], ["\\gamma", "γ"], ["\\delta", "δ"], ["\\epsilon", "ε"],
  ["\\theta", "θ"], ["\\lambda", "λ"], ["\\mu", "μ"], ["\\pi", "π"], ["\\sigma", "σ"],
  ["\\phi", "φ"], ["\\omega", "ω"], ["\\Delta", "Δ"], ["\\Sigma", "Σ"], ["\\infty", "∞"],
  ["\\ldots", "…"], ["\\dots", "…"], ["\\cdots", "⋯"], ["\\%", "%"], ["\\$", "$"],
  ["\\circ", "°"],
]);

export const SPACES = new Set(["\\,", "\\;", "\\:", "\\!", "\\ ", "\\quad", "\\qquad"]);

// Words that go on with the sentence, and are no unit or name of a quantity.
export const PROSE = new Set(
  ("a an and are as at but by each find for from gives has have how i if in is it its left less let " +
    "more most no not now of on or per plus minus times so than that the then there these they this " +
    "to total's was we were what when where which who will with").split(" "),
);

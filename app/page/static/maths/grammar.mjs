// Reads a formula as far as it goes. The result is a tree of {tag, text | children, start, end},
// to be made into MathML; its leaves say where in the text they stand.
//
// Everything is bounded: a formula is at most LONGEST characters and DEEPEST levels. What is not
// understood ends the formula, and stays the text that it is.

import { LETTERS, PRODUCTS, PROSE, RELATIONS, SPACES, SUMS } from "./scanner.mjs";

const LONGEST = 600;
const DEEPEST = 24;
const FRACTIONS = new Set(["\\frac", "\\dfrac", "\\tfrac"]);
const UPRIGHT = new Set(["\\text", "\\mathrm", "\\textbf", "\\mathbf", "\\operatorname"]);

class Reader {
  constructor(source, at, end, latex) {
    this.source = source;
    this.text = source.text;
    this.at = at;
    this.limit = Math.min(end, at + LONGEST);
    this.latex = latex;
    this.depth = 0;
    this.made = 0; // Operators and commands so far: without any, it is no formula.
    this.fresh = at;
  }

  // A piece, spaces before it skipped; `spaced` says whether there were any.
  peek() {
    let piece = this.source.piece(this.at);
    let spaced = false;
    while (piece && (piece.kind === "space" || SPACES.has(piece.text))) {
      spaced = true;
      piece = this.source.piece(piece.end);
    }
    if (!piece || piece.end > this.limit) return { kind: "end", text: "", spaced, start: this.limit };
    return { ...piece, spaced };
  }

  take(piece) {
    this.at = piece.end;
    return piece;
  }

  // `next` parsed again and again, with an operator of `operators` between: [operand, op, …].
  series(operators, next) {
    const first = next();
    if (!first) return null;
    const parts = [first];
    for (;;) {
      const before = this.at;
      const piece = this.peek();
      const sign = operators.get(piece.text);
      if (!sign || (piece.text === "-" && !this.subtracts(piece))) return parts;
      this.take(piece);
      const operand = next();
      if (!operand) {
        this.at = before;
        return parts;
      }
      this.made += 1;
      parts.push(leaf("mo", sign, piece), operand);
    }
  }

  // A hyphen within or between words is none: 10-year-old, x-axis.
  subtracts(piece) {
    const after = this.source.piece(piece.end);
    return piece.spaced || after?.kind !== "word" || after.text.length === 1;
  }

  relation() {
    if (this.depth >= DEEPEST) return null;
    this.depth += 1;
    const parts = this.series(RELATIONS, () => this.sum());
    this.depth -= 1;
    return parts && (parts.length === 1 ? parts[0] : level(row(parts)));
  }

  sum() {
    const parts = this.series(SUMS, () => this.product());
    return parts && (parts.length === 1 ? parts[0] : level(row(parts)));
  }

  product() {
    let left = this.signed();
    if (!left) return null;
    for (let factors = 0; ; factors += 1) {
      const before = this.at;
      const piece = this.peek();
      const sign = PRODUCTS.get(piece.text) ?? (isShare(left) && piece.text === "of" ? "of" : null);
      const divides = piece.text === "/";
      if (factors === DEEPEST) return left;
      if (!sign && !divides) {
        const grown = this.implied(left);
        if (grown === left) return left;
        left = grown;
        continue;
      }
      this.take(piece);
      const right = this.signed();
      if (!right) {
        this.at = before;
        return left;
      }
      this.made += 1;
      if (divides) left = node("mfrac", [bare(left), bare(right)]);
      else left = row([left, leaf(sign === "of" ? "mtext" : "mo", spacedWord(sign), piece), right]);
    }
  }

  // 2x and 2(3 + 4): no sign between.
  implied(left) {
    const piece = this.source.piece(this.at);
    const name = piece?.kind === "word" && piece.text.length === 1 && isPlain(left, "mn");
    const group = piece?.text === "(" && (isPlain(left, "mn") || this.latex);
    if (!name && !group && !(this.latex && this.begins())) return left;
    const right = this.power();
    return right ? row([left, right]) : left;
  }

  begins() {
    const piece = this.peek();
    if (piece.kind === "command") {
      return FRACTIONS.has(piece.text) || UPRIGHT.has(piece.text) || LETTERS.has(piece.text) ||
        piece.text === "\\sqrt" || piece.text === "\\left" || piece.text === "\\boxed";
    }
    return piece.kind === "word" || piece.kind === "number" || piece.text === "(";
  }

  signed() {
    const piece = this.peek();
    if (piece.text !== "-" && piece.text !== "−" && piece.text !== "+") return this.power();
    const next = this.source.piece(piece.end);
    if (!this.latex && next?.kind === "space") return null;
    this.take(piece);
    const operand = this.power();
    return operand && row([leaf("mo", piece.text === "+" ? "+" : "−", piece), operand]);
  }

  power() {
    let base = this.operand();
    for (let scripts = 0; base && scripts < 2; scripts += 1) {
      const before = this.at;
      const piece = this.source.piece(this.at);
      const tag = { "^": "msup", _: "msub" }[piece?.text];
      if (!tag || this.depth >= DEEPEST) return base;
      this.take(piece);
      this.depth += 1;
      const exponent = this.text[this.at] === "{" ? this.group() : this.signedPower();
      this.depth -= 1;
      if (!exponent) {
        this.at = before;
        return base;
      }
      this.made += 1;
      base = node(tag, [base, bare(exponent)]);
    }
    return base;
  }

  signedPower() {
    return this.peek().spaced ? null : this.signed();
  }

  operand() {
    const piece = this.peek();
    switch (piece.kind) {
      case "number":
        this.take(piece);
        return this.withUnit(leaf("mn", piece.text.replace("\\%", "%"), piece));
      case "word":
        return this.name(piece);
      case "command":
        return this.command(piece);
      default:
        if (piece.text === "(" || (this.latex && piece.text === "[")) return this.fenced(piece);
        return piece.text === "{" && this.latex ? this.group() : null;
    }
  }

  // 48 clips / 2: a word between a number and an operator is its unit.
  withUnit(number) {
    const unit = this.peek();
    if (this.latex || unit.kind !== "word" || PROSE.has(unit.text.toLowerCase())) return number;
    if (unit.text.length === 1 && !unit.spaced) return number;
    let end = unit.end;
    const per = /\/[A-Za-z]{2,}/y;
    per.lastIndex = end;
    if (per.test(this.text)) end = per.lastIndex;
    if (!/^[ \u00A0]*(?:[+*/=×÷·)<>]|[-−] )/.test(this.text.slice(end, end + 4))) return number;
    this.at = end;
    const written = this.text.slice(unit.start, end);
    const text = unit.spaced ? `\u00A0${written}` : written;
    return row([number, { ...leaf("mtext", text, unit), end }]);
  }

  name(piece) {
    const next = this.source.piece(piece.end);
    const letter = piece.text.length === 1;
    if (!letter && !this.latex && !this.isQuantity(piece)) return null;
    if (letter && next && (next.kind === "word" || /^['’-]/.test(next.text)) && !this.latex) {
      if (next.text !== "-" || this.source.piece(next.end)?.kind === "word") return null;
    }
    if (/^[aAI]$/.test(piece.text) && !this.latex) {
      const after = next?.kind === "space" ? this.source.piece(next.end) : next;
      if (after?.kind === "word") return null;
    }
    this.take(piece);
    if (letter && next?.kind === "number" && /^\d+$/.test(next.text) && !this.latex) {
      this.take(next);
      return leaf("mi", piece.text + next.text, { start: piece.start, end: next.end });
    }
    return leaf(letter ? "mi" : "mtext", piece.text, piece);
  }

  // total = 48 + 24: a whole word that is set equal to something, or calculated with.
  isQuantity(piece) {
    if (PROSE.has(piece.text.toLowerCase())) return false;
    const rest = this.text.slice(piece.end, Math.min(piece.end + 3, this.limit));
    if (piece.start === this.fresh) return /^(?: ?= |=[\d$(\\])/.test(rest);
    return piece.spaced && /^(?: ?[=+*/×÷]|[.,;]?$|[.,;)]\s)/.test(rest);
  }

  fenced(open) {
    const before = this.at;
    this.take(open);
    const inner = this.relation();
    const close = this.peek();
    if (!inner || close.text !== (open.text === "(" ? ")" : "]")) {
      this.at = before;
      return null;
    }
    this.take(close);
    const parts = [leaf("mo", open.text, open), inner, leaf("mo", close.text, close)];
    return { ...node("mrow", parts), fenced: true };
  }

  group() {
    const before = this.at;
    const open = this.peek();
    if (open.text !== "{") return null;
    this.take(open);
    const inner = this.latexRelation();
    const close = this.peek();
    if (!inner || close.text !== "}") {
      this.at = before;
      return null;
    }
    this.take(close);
    return inner;
  }

  latexRelation() {
    const outside = this.latex;
    this.latex = true;
    const inner = this.relation();
    this.latex = outside;
    return inner;
  }

  command(piece) {
    const before = this.at;
    this.take(piece);
    const found = this.commanded(piece);
    if (found) this.made += 1;
    else this.at = before;
    return found;
  }

  commanded(piece) {
    if (LETTERS.has(piece.text)) return leaf("mi", LETTERS.get(piece.text), piece);
    if (piece.text === "\\left") return this.between();
    if (UPRIGHT.has(piece.text)) return this.upright();
    if (this.depth >= DEEPEST) return null;
    this.depth += 1;
    const made = this.built(piece.text);
    this.depth -= 1;
    return made;
  }

  built(name) {
    const first = name === "\\boxed" ? (this.group() ?? this.upright()) : this.group();
    if (!first) return null;
    if (name === "\\boxed") return { ...node("mrow", [first]), boxed: true };
    if (name === "\\sqrt") return node("msqrt", [first]);
    if (!FRACTIONS.has(name)) return null;
    const second = this.group();
    return second && node("mfrac", [first, second]);
  }

  between() {
    const open = this.peek();
    const closing = { "(": ")", "[": "]", "|": "|" }[open.text];
    if (!closing) return null;
    this.take(open);
    const inner = this.latexRelation();
    const right = this.peek();
    if (!inner || right.text !== "\\right") return null;
    this.take(right);
    const close = this.peek();
    if (close.text !== closing) return null;
    this.take(close);
    return node("mrow", [leaf("mo", open.text, open), inner, leaf("mo", close.text, close)]);
  }

  // The text of a group without commands.
  upright() {
    const group = /\{([^{}\\]{0,200})\}/y;
    group.lastIndex = this.at;
    const found = group.exec(this.text);
    if (!found || group.lastIndex > this.limit) return null;
    const start = this.at;
    this.at = group.lastIndex;
    return leaf("mtext", found[1], { start, end: this.at });
  }
}

// The formula that begins at `at`: {tree, end}, or null. `latex`: between LaTeX delimiters, where
// all of it, up to `end`, must be understood.
export function formulaAt(source, at, end, latex = false) {
  const reader = new Reader(source, at, end, latex);
  const tree = reader.relation();
  if (!tree || reader.at === at) return null;
  if (latex) return reader.peek().start >= end ? { tree, end } : null;
  return reader.made ? { tree, end: reader.at } : null;
}

function leaf(tag, text, { start, end }) {
  return { tag, text, start, end };
}

function node(tag, children) {
  return { tag, children, start: children[0].start, end: children[children.length - 1].end };
}

function row(parts) {
  return parts.length === 1 ? parts[0] : node("mrow", parts);
}

// A row of relations or of a sum: lines may break within it.
function level(tree) {
  return { ...tree, level: true };
}

// What stands over or under a line needs no parentheses.
function bare(tree) {
  return tree.fenced ? { ...tree.children[1] } : tree;
}

function isPlain(tree, tag) {
  return tree.tag === tag && !tree.children;
}

// 20% of, 1/2 of.
function isShare(tree) {
  return tree.tag === "mfrac" || (tree.tag === "mn" && tree.text.endsWith("%"));
}

function spacedWord(sign) {
  return sign === "of" ? "\u00A0of\u00A0" : sign;
}

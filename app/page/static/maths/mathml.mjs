// Formulas as MathML elements, and outputs as nodes of text and formulas.

import { h, visible } from "../dom.mjs";
import { breakable, typeset } from "./typeset.mjs";

const MATHML = "http://www.w3.org/1998/Math/MathML";

// The nodes of an output. `wrong` are [start, end) of what the verifier found to be false.
export function outputNodes(text, wrong = []) {
  return typeset(text).flatMap((part) =>
    part.text !== undefined ? visible(part.text) : formulaNodes(part, wrong),
  );
}

function formulaNodes({ formula, display }, wrong) {
  const pieces = breakable(formula).map((piece) => {
    const maths = document.createElementNS(MATHML, "math");
    maths.setAttribute("displaystyle", "true");
    maths.append(element(piece, wrong));
    return maths;
  });
  const nodes = pieces.flatMap((maths) => [h("wbr"), maths]).slice(1);
  return [h("span", { class: display ? "formula display" : "formula" }, ...nodes)];
}

function element(tree, wrong) {
  const found = document.createElementNS(MATHML, tree.tag);
  if (tree.children) {
    found.append(...tree.children.map((child) => element(child, wrong)));
  } else {
    found.textContent = tree.text;
    if (wrong.some(([start, end]) => tree.start < end && tree.end > start)) {
      found.setAttribute("class", "wrong");
    }
  }
  if (tree.tag === "mo") mend(found, tree.text);
  if (tree.boxed) found.setAttribute("class", "boxed");
  return found;
}

// Signs begin a piece where a line may break, and are between two things all the same.
function mend(operator, sign) {
  operator.setAttribute("form", "()[]|".includes(sign) ? (")]".includes(sign) ? "postfix" : "prefix") : "infix");
  if ("()[]|".includes(sign)) operator.setAttribute("stretchy", "true");
}

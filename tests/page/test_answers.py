"""The page counts the votes of a vote by the rule that decides it."""

from __future__ import annotations

import json
import subprocess
from itertools import product

from statespace.answers import equal
from tests.conftest import REPOSITORY
from tests.support.node import node

ANSWERS = (
    "1/2", "0.5", ".5", "0.50", "50%", "50 %", "50 percent", "$0.5", r"\frac{1}{2}", " 1 / 2 ",
    "1 1/2", "11/2", r"1\frac12", r"1\frac{1}{2}", "1.5", "3, 4", "34", "2,5", "25", "1,234",
    "1234", "1 234", "-3", "−3", "- 3", "3", "+3", "3 apples", "3 Apples", "three", "Three",
    "5 hundred", "5", "1/0", "", "x = 3", "x=3", "X = 3", "7.", "7", "€ 7", "7 €", "0",
    "-0", "1e3", "a b", "ab", "10 Äpfel", "10äpfel",
    "vier Äpfel", "vieräpfel", "VIER äpfel",
    "9" * 400, "9" * 400 + ".0", "9" * 399 + "8", "1" * 2_001,
)  # fmt: skip
SCRIPT = """
    import { valueOf } from "./app/page/static/answers.mjs";
    console.log(JSON.stringify(JSON.parse(process.argv[1]).map(valueOf)));
"""


def test_answers_are_equal_on_the_page_where_they_are_on_the_server() -> None:
    ran = subprocess.run(
        [node(), "--input-type=module", "--eval", SCRIPT, json.dumps(ANSWERS)],
        cwd=REPOSITORY, capture_output=True, text=True, timeout=60, check=True,
    )  # fmt: skip
    values = dict(zip(ANSWERS, json.loads(ran.stdout), strict=True))
    differing = [
        (one, other)
        for one, other in product(ANSWERS, repeat=2)
        if equal(one, other) != (values[one] == values[other])
    ]
    assert not differing

"""Published gold answers, which come as integers, floats and text, as plain numbers."""

from __future__ import annotations

import math
import re
from decimal import Decimal

_NUMBER = re.compile(r"[-+]?(?:\d+|\d{1,3}(?:,\d{3})+)(?:\.\d*)?|[-+]?\.\d+")


def plain(value: object) -> str:
    """A number in digits, the same for `8`, `8.0`, `"8"` and `"8.00"`: no exponent, no commas.

    A float stands for the shortest decimal that reads back as it, so that a file and the hub,
    which keeps doubles, give the same text. Raises ValueError for anything but a finite number.
    """
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    if isinstance(value, float) and math.isfinite(value):
        number = Decimal(repr(value))
    elif isinstance(value, str) and _NUMBER.fullmatch(value.strip()):
        number = Decimal(value.strip().replace(",", ""))
    else:
        raise ValueError(f"{value!r} is not a number")
    digits = f"{number:f}"
    if "." in digits:
        digits = digits.rstrip("0").rstrip(".")
    return "0" if digits in ("-0", "") else digits

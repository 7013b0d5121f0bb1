"""What a terminal is given: text from elsewhere must not be able to command it."""

from __future__ import annotations

import io
import re
import sys
from typing import Final

_ENDS: Final = re.compile("[\x7f-\x9f\u2028\u2029]")
_PICTURES: Final = {
    **{code: 0x2400 + code for code in range(0x20) if chr(code) not in "\n\t"},
    0x7F: 0x2421,
    **dict.fromkeys(range(0x80, 0xA0), 0xFFFD),
}


def visible(text: str) -> str:
    """`text` with control characters as pictures (U+2400 and up), so that none takes effect.

    A model's output or a server's message may hold escape sequences: they set colours and titles,
    write to the clipboard, and can make a terminal answer as if its user had typed.
    """
    return text.translate(_PICTURES)


def one_line(json: str) -> str:
    """JSON with everything escaped that some reader takes for the end of a line, or obeys."""
    return _ENDS.sub(lambda found: f"\\u{ord(found[0]):04x}", json)


def tolerate_encodings() -> None:
    """Print what the locale's encoding lacks as `?` rather than fail."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")


def print_utf8() -> None:
    """Print UTF-8 whatever the locale: JSON is nothing else."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(encoding="utf-8")

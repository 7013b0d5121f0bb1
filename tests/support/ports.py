"""A port that nobody else takes between the moment it is chosen and the moment it is used."""

from __future__ import annotations

import random
import socket
from typing import Final

# Below the ports that Linux gives to outgoing connections (32768 and up by default): one that the
# kernel chose for us it may give to somebody else while the server, a slow one, still starts.
FIRST: Final = 20_000
LAST: Final = 32_000
TRIES: Final = 50

_choice = random.SystemRandom()


def free_port() -> int:
    """A free port of the loopback interface.

    Raises:
        AssertionError: if so many are taken that none was found.
    """
    for _ in range(TRIES):
        port = _choice.randint(FIRST, LAST)
        try:
            with socket.create_server(("127.0.0.1", port)):
                return port
        except OSError:
            continue
    raise AssertionError(f"none of {TRIES} ports between {FIRST} and {LAST} is free")

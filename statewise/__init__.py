"""The command line and the Python client: what a user of Statewise types.

from statewise import AsyncClient, Client
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from statewise.client import AsyncClient, Client

__all__ = ["AsyncClient", "Client"]


def __getattr__(name: str) -> Any:
    # Not before they are asked for: `statewise --help` needs neither HTTP nor pydantic.
    if name in __all__:
        from statewise import client  # noqa: PLC0415

        return getattr(client, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")

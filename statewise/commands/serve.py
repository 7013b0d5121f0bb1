"""`statewise serve`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import structlog
from rich.console import Console

from app.errors import AppError
from app.logs import form
from app.serve import serve
from app.settings import Settings
from statewise.failures import NO_SERVER, checked, fail

logger = structlog.get_logger(__name__)


def serve_command(flags: dict[str, Any], options: Sequence[str]) -> None:
    """Serve until a signal; `flags` override the environment, `options` are the engine's own."""
    settings = checked(Settings, **flags)
    console = Console(stderr=True)

    def announce(url: str) -> None:
        if form(settings) == "json" and not console.is_terminal:
            logger.info("serving", url=url, model=settings.served_name)
            return
        console.print(
            f"Statewise serves {settings.served_name} at {url}",
            highlight=False,
            markup=False,
            soft_wrap=True,
        )

    try:
        serve(settings, options, on_bound=announce)
    except AppError as error:
        fail(error.message, NO_SERVER)
    except KeyboardInterrupt:
        console.print("stopped")

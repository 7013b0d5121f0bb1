"""Which engine the settings ask for."""

from __future__ import annotations

from collections.abc import Sequence

from app.engines.base import Engine
from app.errors import EngineStartError
from app.settings import Settings


def build(settings: Settings, options: Sequence[str] = ()) -> Engine:
    """The engine of `settings`; `options` are its own. Raises `EngineStartError` for bad ones."""
    if settings.engine == "scripted":
        from app.engines.scripted import Script, ScriptedEngine  # noqa: PLC0415

        return ScriptedEngine(Script.from_options(options))
    if settings.engine == "remote":
        from app.engines.remote import RemoteEngine  # noqa: PLC0415

        if options:
            raise EngineStartError(
                f"the remote engine takes no options; give {' '.join(options)} to its servers"
            )
        return RemoteEngine(settings)
    from app.engines.vllm import VllmEngine  # noqa: PLC0415

    return VllmEngine(settings, options)

"""A solution's events in the formats of other clients: `?format=` of the routes that stream."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final, Literal

from app.formats.ag_ui import AgUi
from app.formats.ai_sdk import AiSdk
from app.formats.base import Format

Name = Literal["ag-ui", "ai-sdk"]
FORMATS: Final[Mapping[str, Format]] = MappingProxyType({"ag-ui": AgUi(), "ai-sdk": AiSdk()})

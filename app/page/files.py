"""The page's files, in the memory, each with the validator by which a browser keeps it."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Final

TYPES: Final = {
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".mjs": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}
"""What is served; other files are left alone."""
INDEX: Final = "index.html"


@dataclass(frozen=True, slots=True)
class PageFile:
    """A file as it is sent."""

    content: bytes
    media_type: str
    etag: str


def load() -> Mapping[str, PageFile]:
    """All files of the page, by their path below `static/`."""
    found: dict[str, PageFile] = {}
    _collect(files("app.page") / "static", "", found)
    return found


def _collect(folder: Traversable, prefix: str, found: dict[str, PageFile]) -> None:
    for entry in folder.iterdir():
        if entry.is_dir():
            _collect(entry, f"{prefix}{entry.name}/", found)
            continue
        media_type = TYPES.get(f".{entry.name.rpartition('.')[2]}")
        if media_type is not None:
            content = entry.read_bytes()
            digest = hashlib.sha256(content).hexdigest()[:32]
            found[f"{prefix}{entry.name}"] = PageFile(content, media_type, f'"{digest}"')

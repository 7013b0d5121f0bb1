"""Node, with the packages of tests/clients."""

from __future__ import annotations

import shutil

from tests.conftest import REPOSITORY, skip

PACKAGES = REPOSITORY / "tests" / "clients" / "node_modules"


def node() -> str:
    """The program; skips without it or without the packages."""
    found = shutil.which("node")
    if found is None:
        skip("no node here")
    if not PACKAGES.is_dir():
        skip("no packages in tests/clients; run `npm ci --prefix tests/clients`")
    return str(found)

"""The documentation site: `python -m scripts.site [FOLDER]`, or `make docs`.

Pages are copied first: a link that leaves `docs/` for a file of the repository has no page on the
site, so it becomes the file's name. Reference pages are written from the code.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Final

from scripts.reference import api_page, command_line, commands_page, description

REPOSITORY: Final = Path(__file__).resolve().parent.parent
LINK: Final = re.compile(r"(?<!!)\[(?P<text>[^\]]*)\]\((?P<target>(?![a-z]+:|#)[^)\s]+)\)")
MARK: Final = re.compile(r"^[ ]*<!-- test: .*? -->\n", re.MULTILINE)


class SiteError(Exception):
    """The site cannot be built; the message says where."""


def build(folder: Path, repository: Path = REPOSITORY) -> Path:
    """Build the site in `folder`; the folder of its pages. Raises `SiteError` for a warning."""
    shutil.rmtree(folder, ignore_errors=True)
    pages = folder / "docs"
    shutil.copytree(repository / "docs", pages, ignore=shutil.ignore_patterns("*.json"))
    for page in pages.rglob("*.md"):
        original = repository / "docs" / page.relative_to(pages)
        page.write_text(on_site(page.read_text("utf-8"), original, repository), "utf-8")
    (pages / "reference").mkdir(exist_ok=True)
    (pages / "reference" / "api.md").write_text(api_page(description()), "utf-8")
    (pages / "reference" / "commands.md").write_text(commands_page(command_line()), "utf-8")
    shutil.copy(repository / "mkdocs.yml", folder)
    done = subprocess.run(
        [sys.executable, "-m", "zensical", "build", "--strict"],
        cwd=folder,
        env={**os.environ, "NO_COLOR": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise SiteError(done.stderr.partition("Traceback")[0].strip() or done.stdout)
    return folder / "site"


def on_site(text: str, page: Path, repository: Path) -> str:
    """A page's text as the site shows it. Raises `SiteError` for a link to nothing."""
    docs = repository / "docs"

    def linked(found: re.Match[str]) -> str:
        target = (page.parent / found["target"].partition("#")[0]).resolve()
        if not target.exists() and not _written(target, docs):
            raise SiteError(f"{page}: no file for the link to {found['target']}")
        if target.is_relative_to(docs) and target.suffix in {".md", ".png", ".svg"}:
            return found[0]
        name = str(target.relative_to(repository))
        label = found["text"].strip("`")
        return f"`{name}`" if label in name else f"{found['text']} (`{name}`)"

    return LINK.sub(linked, MARK.sub("", text))


def _written(target: Path, docs: Path) -> bool:
    return target in {docs / "reference" / "api.md", docs / "reference" / "commands.md"}


def main() -> None:
    """Build the site and say where it is."""
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else REPOSITORY / "build" / "docs"
    try:
        site = build(folder)
    except SiteError as error:
        sys.exit(f"docs: {error}")
    print(f"docs: {site / 'index.html'}")


if __name__ == "__main__":
    main()

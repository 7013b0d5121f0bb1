"""The documentation site: it builds without a warning, its links lead somewhere, it asks nobody."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path
from typing import TypeGuard
from urllib.parse import unquote, urlsplit

import pytest
import yaml

from scripts.reference import api_page, description
from scripts.site import SiteError, build, on_site

FETCHED = {"script": "src", "img": "src", "link": "href", "iframe": "src", "source": "src"}
"""What a browser asks for by itself; `a` waits for a click."""


@dataclass
class Page(HTMLParser):
    """What a page refers to, and what may be referred to in it."""

    links: list[str] = field(default_factory=list)
    fetched: list[str] = field(default_factory=list)
    anchors: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        super().__init__()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        self.anchors.update(value for name in ("id", "name") if (value := found.get(name)))
        if tag == "a" and (link := found.get("href")):
            self.links.append(link)
        if (link := found.get(FETCHED.get(tag, ""))) and found.get("rel") != "canonical":
            self.fetched.append(link)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site, built as `make docs` builds it; a warning is a failure."""
    return build(tmp_path_factory.mktemp("docs"))


@pytest.fixture(scope="module")
def pages(site: Path) -> dict[Path, Page]:
    found = {}
    for path in site.rglob("*.html"):
        page = Page()
        page.feed(path.read_text("utf-8"))
        found[path] = page
    return found


def test_every_link_leads_somewhere(site: Path, pages: dict[Path, Page]) -> None:
    broken = []
    for path, page in pages.items():
        if path.name == "404.html":  # served from any depth, so its links are the server's
            continue
        for link in page.links + page.fetched:
            parts = urlsplit(link)
            if parts.scheme or parts.netloc:
                continue
            target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            target = target / "index.html" if target.is_dir() else target
            known = pages[target].anchors if target in pages else set()
            missing = parts.fragment and target in pages and unquote(parts.fragment) not in known
            if not target.exists() or missing:
                broken.append(f"{path.relative_to(site)}: {link}")
    assert not broken


def test_nothing_is_fetched_from_elsewhere(site: Path, pages: dict[Path, Page]) -> None:
    """The site is for machines without a network, too: scripts, fonts and search are its own."""
    outside = {link for page in pages.values() for link in page.fetched if urlsplit(link).netloc}
    assert not outside
    for sheet in site.rglob("*.css"):
        assert "url(http" not in sheet.read_text("utf-8"), sheet
    assert (site / "search.js").is_file()


def test_every_page_is_in_the_navigation(repository: Path) -> None:
    """A page that is not in `nav` of mkdocs.yml is found by nobody."""

    def named(entry: object) -> Iterator[str]:
        if isinstance(entry, str):
            yield entry
        elif isinstance(entry, dict | list):
            for inner in entry.values() if isinstance(entry, dict) else entry:
                yield from named(inner)

    nav = set(named(yaml.safe_load((repository / "mkdocs.yml").read_text("utf-8"))["nav"]))
    docs = repository / "docs"
    folders = {"adr", "results"}  # reached from their own first pages
    pages = {page.relative_to(docs) for page in docs.rglob("*.md")}
    assert {str(page) for page in pages if page.parts[0] not in folders} <= nav
    assert {"adr/README.md", "results/README.md", "reference/api.md"} <= nav


def test_every_decision_is_listed(repository: Path) -> None:
    folder = repository / "docs" / "adr"
    listed = (folder / "README.md").read_text("utf-8")
    records = [path for path in folder.glob("*.md") if path.name != "README.md"]
    assert records
    for record in records:
        assert f"]({record.name})" in listed, f"list {record.name} in docs/adr/README.md"


def test_the_reference_has_every_route_object_and_event() -> None:
    described = description()
    page = api_page(described)
    for path, methods in described["paths"].items():
        for method in methods:
            assert f"\n### {method.upper()} {path}\n" in page
    for name in described["components"]["schemas"].keys() - {"Event"}:
        assert f"\n### {name}\n" in page
    assert "| `offset` | integer | required | Characters of output before this delta; ≥ 0 |" in page
    assert "| `max_transitions` | integer | `64` | ≥ 1, ≤ 1,000 |" in page
    assert '"question": "' in page  # an example of a body


def test_links_out_of_the_pages_become_names(repository: Path) -> None:
    page = repository / "docs" / "api.md"
    text = "<!-- test: parse -->\nSee [an example](../examples/chat.py), [it](settings.md#x).\n"
    shown = "See an example (`examples/chat.py`), [it](settings.md#x).\n"
    assert on_site(text, page, repository) == shown
    with pytest.raises(SiteError, match=r"no file for the link to \.\./gone\.py"):
        on_site("[gone](../gone.py)", page, repository)


def strings(folder: Path) -> Iterator[ast.Call | ast.Constant]:
    """Every call and constant in the Python files of a folder."""
    for path in folder.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call | ast.Constant):
                yield node


def test_every_error_code_is_explained_and_exists(repository: Path) -> None:
    page = (repository / "docs" / "reference" / "errors.md").read_text("utf-8")
    explained = set(re.findall(r"^\| `(\w+)` \|", page.partition("## By code")[2], re.MULTILINE))
    given, constants = set(), set()
    for node in strings(repository / "app"):
        if isinstance(node, ast.Constant):
            constants.add(node.value)
            continue
        for keyword in node.keywords:
            if keyword.arg == "code" and isinstance(keyword.value, ast.Constant):
                given.add(keyword.value.value)
    assert given - {None} <= explained
    assert explained <= constants


def test_every_symptom_is_a_message_of_ours(repository: Path) -> None:
    """A message that was reworded would be looked for in vain."""
    page = (repository / "docs" / "troubleshooting.md").read_text("utf-8")
    cells = re.findall(r"^\| (.*?) \|", page, re.MULTILINE)
    shown = [part for cell in cells for part in re.findall(r"`([^`]+)`", cell)]
    said = [(repository / "scripts" / "install").read_text("utf-8")]
    for package in ("app", "statespace", "statewise", "training"):
        said += [str(node.value) for node in strings(repository / package) if is_text(node)]
    said.append("operator torchvision::nms does not exist")  # torchvision's own
    said += ["Input should be", "Extra inputs are not permitted"]  # pydantic's
    everything = "\0".join(said)
    assert len(shown) > 40
    parts = [part.strip() for symptom in shown for part in symptom.split("…")]
    assert not [part for part in parts if part not in everything]


def is_text(node: ast.Call | ast.Constant) -> TypeGuard[ast.Constant]:
    return isinstance(node, ast.Constant) and isinstance(node.value, str)

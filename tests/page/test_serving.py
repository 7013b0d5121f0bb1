"""The page's files as they are sent: strict headers, validators, nothing else from the disk."""

from __future__ import annotations

import re
from pathlib import Path

import httpx2
import pytest
from hatchling.builders.wheel import WheelBuilder

from app.engines.scripted import ScriptedEngine
from app.page.files import load
from app.page.router import POLICY
from app.settings import Settings
from tests.support.recordings import script
from tests.support.server import LocalServer, local_server

STATIC = Path(__file__).parents[2] / "app" / "page" / "static"


@pytest.mark.parametrize("accept", ["text/html", "application/json", "*/*"])
def test_the_page_is_html_whatever_is_accepted(server: LocalServer, accept: str) -> None:
    answer = httpx2.get(f"{server.url}/", headers={"accept": accept})
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/html; charset=utf-8"


def test_every_file_is_sent_under_the_strict_policy(server: LocalServer) -> None:
    client = httpx2.Client(base_url=server.url)
    for path, file in load().items():
        answer = client.get("/" if path == "index.html" else f"/static/{path}")
        assert answer.content == file.content
        headers = answer.headers
        assert headers["content-security-policy"] == POLICY
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "no-referrer"
        assert headers["cache-control"] == "no-cache"
        assert headers["content-type"] == file.media_type
    client.close()
    assert "default-src 'none'" in POLICY
    assert "unsafe" not in POLICY


def test_what_the_browser_has_is_not_sent_again(server: LocalServer) -> None:
    url = f"{server.url}/static/main.mjs"
    first = httpx2.get(url)
    for tags in (first.headers["etag"], f'"x", W/{first.headers["etag"]}'):
        again = httpx2.get(url, headers={"if-none-match": tags})
        assert (again.status_code, again.content) == (304, b"")
        assert again.headers["etag"] == first.headers["etag"]
    assert httpx2.get(url, headers={"if-none-match": '"x"'}).status_code == 200
    head = httpx2.head(url)
    assert (head.content, head.headers["content-length"]) == (b"", str(len(first.content)))


@pytest.mark.parametrize(
    "path",
    ["static/../router.py", "static/%2e%2e/router.py", "static//etc/passwd", "static/",
     "static/index.html", "static/..%2f..%2fmain.py", "static/style", "static/nothing.mjs"],
)  # fmt: skip
def test_nothing_else_is_sent(server: LocalServer, path: str) -> None:
    answer = httpx2.get(f"{server.url}/{path}")
    assert answer.status_code == 404
    assert answer.json()["error"]["message"]


def test_the_page_can_be_switched_off() -> None:
    settings = Settings(engine="scripted", page=False)
    with local_server(ScriptedEngine(script()), settings) as server:
        assert httpx2.get(f"{server.url}/").status_code == 404
        assert httpx2.get(f"{server.url}/static/main.mjs").status_code == 404
        assert httpx2.get(f"{server.url}/readyz").status_code == 200


def test_the_page_is_no_part_of_the_api(server: LocalServer) -> None:
    paths = httpx2.get(f"{server.url}/openapi.json").json()["paths"]
    assert "/" not in paths
    assert not [path for path in paths if path.startswith("/static")]


def test_the_wheel_holds_the_page(repository: Path) -> None:
    included = {
        one.distribution_path for one in WheelBuilder(str(repository)).recurse_included_files()
    }
    assert {f"app/page/static/{path}" for path in load()} <= included


FORBIDDEN = re.compile(
    r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|DOMParser|srcdoc|\beval\b|"
    r"new Function|setHTML|createContextualFragment|import\(|https?://(?!www\.w3\.org/)"
)


def test_nothing_is_ever_parsed_as_html_and_nothing_is_loaded_from_elsewhere() -> None:
    files = [path for path in STATIC.rglob("*") if path.is_file()]
    assert len(files) > 20
    for path in files:
        found = FORBIDDEN.search(path.read_text("utf-8"))
        assert found is None, f"{path.name}: {found}"


def test_modules_are_small_and_whole() -> None:
    """Every import names a file that is there; a stranger can read each at a sitting."""
    for path in STATIC.rglob("*.mjs"):
        text = path.read_text("utf-8")
        assert text.count("\n") <= 400, path.name
        for found in re.findall(r'from "(\.[^"]+)"', text):
            assert (path.parent / found).is_file(), f"{path.name} imports {found}"

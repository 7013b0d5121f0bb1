"""What the page does with hostile output, and with keys."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, Route, expect

from app.access.keys import Key, digest, write
from app.engines.scripted import ScriptedEngine
from app.settings import Settings
from tests.page.looking import ask, ended, overflow
from tests.support import recordings
from tests.support.server import LocalServer, local_server


@pytest.fixture(scope="module")
def locked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalServer]:
    """It needs a key."""
    file = tmp_path_factory.mktemp("keys") / "keys.json"
    write(file, [Key(name="ann", sha256=digest("sw-ann"))])
    settings = Settings(engine="scripted", keys_file=file)
    with local_server(ScriptedEngine(recordings.script()), settings) as server:
        yield server


def enter(page: Page, key: str) -> None:
    page.get_by_role("dialog").get_by_label("Key", exact=True).fill(key)
    page.get_by_role("button", name="Use this key").click()


def test_a_key_is_asked_for_and_stays_in_the_tab(page: Page, locked: LocalServer) -> None:
    page.goto(f"{locked.url}/")
    enter(page, "sw-wrong")
    expect(page.get_by_role("dialog")).to_contain_text("not known here")
    enter(page, "sw-ann")
    expect(page.get_by_role("dialog")).to_have_count(0)
    expect(page.locator("#served")).to_have_text("scripted")
    ask(page, locked, recordings.PENS)
    ended(page, "good")
    assert page.evaluate("sessionStorage.getItem('statewise.key')") == "sw-ann"
    assert page.evaluate("JSON.stringify({...localStorage})") == "{}"
    assert page.context.cookies() == []
    other = page.context.new_page()
    other.goto(f"{locked.url}/")
    expect(other.get_by_role("dialog")).to_be_visible()


def test_without_a_key_it_says_so(page: Page, locked: LocalServer) -> None:
    page.goto(f"{locked.url}/")
    page.get_by_role("dialog").get_by_role("button", name="Cancel").click()
    expect(page.locator("#history")).to_contain_text("no API key was sent")


def test_hostile_output_is_text(page: Page, locked: LocalServer) -> None:
    page.goto(f"{locked.url}/")
    enter(page, "sw-ann")
    ask(page, locked, recordings.HOSTILE, "single")
    ended(page, "doubt")
    page.wait_for_timeout(200)
    assert page.evaluate("window.hacked") is None
    for tag in ("img", "iframe", "style", "object", "a[href^=javascript]", "b", "i"):
        assert page.locator(f"#solution {tag}").count() == 0, tag
    expect(page.get_by_role("heading", level=1)).to_have_text(recordings.HOSTILE)
    outputs = page.locator(".card .output")
    expect(outputs.nth(0)).to_contain_text("<script>window.hacked=2</script>")
    expect(outputs.nth(0)).to_contain_text("<math><mtext><style>")
    # What turns text around is named, and obeyed nowhere.
    assert outputs.nth(1).locator(".hidden-character").all_inner_texts()[0] == "U+202E"
    assert "\u202e" not in page.locator("body").inner_text()
    expect(page.locator(".card .label").nth(2)).to_contain_text("<b>Cheat")

    # An endless line is cut until it is asked for.
    def lengthen(route: Route) -> None:
        solution = route.fetch().json()
        solution["transitions"][2]["output"] = "x" * 50_000 + "(" * 50_000
        route.fulfill(json=solution)

    page.route("**/v1/solutions/sol_*", lengthen)
    page.reload()
    ended(page, "doubt")
    output = outputs.nth(2)
    assert len(output.inner_text()) < 5_000
    output.get_by_role("button", name="Show all 100,000 characters").click()
    assert len(output.inner_text()) == 100_000
    assert overflow(page) == {"wide": 0, "out": []}


def test_a_string_cannot_become_html(browser: Browser, locked: LocalServer) -> None:
    """The policy holds even where the page's code would not."""
    page = browser.new_page()
    page.goto(f"{locked.url}/")
    blocked = page.evaluate(
        """() => {
          try { document.body.innerHTML = "<img src=x>"; } catch (error) { return error.name; }
        }"""
    )
    assert blocked == "TypeError"
    page.close()

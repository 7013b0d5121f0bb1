"""A problem on the page: solved, refuted, gone back from, cancelled, resumed, forked, copied."""

from __future__ import annotations

import json
import re

import httpx2
from playwright.sync_api import Page, expect

from tests.page.looking import ask, cards, ended
from tests.support import recordings
from tests.support.server import LocalServer


def test_a_problem_is_solved(page: Page, server: LocalServer) -> None:
    ask(page, server, recordings.PENS)
    told = ended(page, "good")
    assert re.search(r"Answer\s+7", told)
    assert "1 step of the 4 behind it holds" in told
    heads = cards(page)
    assert [re.search(r"State \d\s+([A-Z][A-Za-z ]+?)\s+[✓–✗]", head)[1] for head in heads] == [  # type: ignore[index]
        "Formalize", "Decompose", "Solve Subquestion", "Summarize",
    ]  # fmt: skip
    assert "verified" in heads[2]
    assert re.search(r"\d+ tokens · [\d.]+ s", heads[2])
    expect(page.locator(".history a[aria-current] .asked")).to_have_text(recordings.PENS)
    expect(page.locator("#live")).to_contain_text("Answer 7")


def test_formulas_are_mathml(page: Page, server: LocalServer) -> None:
    ask(page, server, recordings.BAKER, "single")
    ended(page, "good")
    fraction = page.locator("math mfrac").first
    assert fraction.locator("> *").all_text_contents() == ["3", "4"]
    assert page.locator("math .boxed mn").text_content() == "22.50"


def test_what_is_refuted_is_told_and_gone_back_from(page: Page, server: LocalServer) -> None:
    ask(page, server, recordings.CLIPS)
    assert re.search(r"Answer\s+72", ended(page, "good"))
    failure = page.locator(".failure").first
    assert failure.locator("dt").all_inner_texts() == ["claimed", "in fact"]
    claimed, fact = failure.locator("dd").all()
    assert claimed.locator("mn").all_text_contents() == ["48", "2", "26"]
    assert fact.locator("mn").all_text_contents() == ["48", "2", "24"]
    dead = page.locator("li.dead")
    assert dead.count() == 3
    expect(dead.first).to_contain_text("Dead end")
    expect(dead.last).to_contain_text("back to state 1")
    expect(dead.last).to_contain_text("written by the verifier")
    assert page.locator(".output .wrong").first.text_content() == "26"


def test_an_answer_that_rests_on_a_refuted_step_is_doubted(page: Page, server: LocalServer) -> None:
    ask(page, server, recordings.WRONG, "single")
    told = ended(page, "doubt")
    assert "State 1 says 48 / 2 = 26, but it is 24" in told
    assert "Do not trust it" in told


def test_no_answer_is_called_none(page: Page, server: LocalServer) -> None:
    ask(page, server, recordings.NONE, "single")
    assert "No answer was reached" in ended(page, "none")
    ask(page, server, recordings.PLAIN, "single")
    assert "Answered in plain text" in ended(page, "plain")


def test_votes_stand_side_by_side(page: Page, server: LocalServer) -> None:
    ask(page, server, recordings.CARDS, "vote")
    assert re.search(r"Answer\s+39", ended(page, "good"))
    assert page.locator(".lane").count() >= 3
    lefts = {round(lane.bounding_box()["x"]) for lane in page.locator(".lane").all()}  # type: ignore[index]
    assert len(lefts) >= 3
    expect(page.locator(".tally tr[data-chosen=true] th")).to_have_text("39")
    expect(page.locator('.lane[data-standing^="agrees"]').first).to_contain_text("as the answer")


def test_a_beam_shows_what_was_gone_on_from(page: Page, server: LocalServer) -> None:
    ask(page, server, recordings.CARDS, "beam")
    assert re.search(r"Answer\s+39", ended(page, "good"))
    assert page.locator(".step").count() == 3
    assert page.locator('.candidates > li[data-standing="answer"]').count() == 3
    assert page.locator('.candidates > li[data-standing="dropped"]').count() > 0


def test_cancel_and_resume(page: Page, slow: LocalServer) -> None:
    """The page is left and opened again while the server goes on; then it is cancelled."""
    ask(page, slow, recordings.LONG, "single")
    expect(page.locator(".card").nth(2)).to_be_visible()
    before = page.locator(".card").count()
    page.reload()
    expect(page.locator(".card").nth(before + 1)).to_be_visible()
    numbers = page.locator(".card .number").all_inner_texts()
    assert [text.strip() for text in numbers] == [f"State {n + 1}" for n in range(len(numbers))]
    page.get_by_role("button", name="Cancel").click()
    assert "Cancelled" in ended(page, "none")
    solution = httpx2.get(f"{slow.url}/v1/solutions/{page.url.partition('#')[2]}").json()
    assert solution["status"] == "cancelled"
    expect(page.locator(".card")).to_have_count(len(solution["transitions"]))


def test_a_state_is_edited_and_gone_on_from(page: Page, server: LocalServer) -> None:
    ask(page, server, recordings.CLIPS, "single")
    ended(page, "good")
    source = page.url
    page.get_by_role("button", name="Edit State 2 and go on from it").click()
    page.get_by_label("What State 2 is to say").fill("m = 48 / 2 = 24")
    page.get_by_role("button", name="Go on from here").click()
    page.wait_for_url(lambda url: url != source)
    link = page.get_by_role("link", name="state 2 of another solution")
    expect(link).to_be_visible()
    assert re.search(r"Answer\s+72", ended(page, "good"))
    assert "edited by hand" in cards(page)[1]
    link.click()
    expect(page.locator("li.dead")).to_have_count(3)


def test_a_solution_is_copied(page: Page, server: LocalServer) -> None:
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    ask(page, server, recordings.CLIPS, "single")
    ended(page, "good")

    def copied(name: str) -> str:
        page.get_by_role("button", name=f"Copy as {name}").click()
        expect(page.locator("#live")).to_contain_text(f"{name}: Copied")
        text: str = page.evaluate("navigator.clipboard.readText()")
        return text

    assert "**Answer: 72**" in copied("Markdown")
    assert json.loads(copied("JSON"))["answer"] == "72"
    command = copied("cURL")
    assert f"'{server.url}/v1/solutions'" in command
    assert json.loads(command.split("-d '", 1)[1].rsplit("'", 1)[0])["question"] == recordings.CLIPS


def test_a_solution_is_deleted(page: Page, server: LocalServer) -> None:
    ask(page, server, recordings.PENS, "single")
    ended(page, "good")
    name = page.url.partition("#")[2]
    page.get_by_role("button", name="Delete").click()
    page.get_by_role("button", name="Delete for good?").click()
    expect(page.locator(".welcome")).to_be_visible()
    assert httpx2.get(f"{server.url}/v1/solutions/{name}").status_code == 404
    page.goto(f"{server.url}/#{name}")
    expect(page.locator("#solution .problem")).to_contain_text(name)

"""The dashboard in a real browser: nothing to complain about, on every screen, in both schemes, by keyboard alone."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from cpipe_bot.store import Runs, run_id
from dashboard.demo import TOKEN, Letter, Queue, application, served, work
from test_html import CHROMIUM

sync_api = pytest.importorskip("playwright.sync_api", reason="the browser is driven by playwright, of the test extra")
axe_core = pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe-core is in the test extra")
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium here")

PATHS = {
    "runs": "/",
    "filtered": "/?repo=octo&conclusion=failure",
    "run": f"/runs/{run_id(work('octo/three-files', 4, 'refs/pr/7'))}",
    "pictures": f"/runs/{run_id(work(number=3))}",
    "dead": f"/runs/{run_id(work('gone/away-0', 90))}",
    "repo": "/repos/octo/upscaler",
    "files": "/repos/octo/three-files",
    "queue": "/queue",
    "error": "/nothing",
}
Open = Callable[..., Any]


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with sync_api.sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield launched
        launched.close()


@pytest.fixture
def open_page(browser: Any, site: str) -> Iterator[Open]:
    """Opens a page at a width, in a scheme; all that its console says fails the test."""
    contexts = []
    said: list[str] = []

    def open_(path: str, width: int = 1200, scheme: str = "light", at: str = site, **options: object) -> Any:
        viewport = {"width": width, "height": 844}
        context = browser.new_context(viewport=viewport, color_scheme=scheme, reduced_motion="reduce", **options)
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda message: said.append(message.text))
        page.on("pageerror", lambda error: said.append(str(error)))
        page.on("requestfailed", lambda request: said.append(request.url))
        page.goto(at + path)
        return page

    yield open_
    for context in contexts:
        context.close()
    # That a page is an error is said of every one that is.
    assert [text for text in said if "404 (Not Found)" not in text] == []


@pytest.mark.parametrize("width", [360, 1200])
@pytest.mark.parametrize("path", PATHS.values(), ids=PATHS)
def test_fits_the_screen(open_page: Open, path: str, width: int) -> None:
    """Without a script, which there is none of. Only what says so scrolls sideways."""
    page = open_page(path, width, java_script_enabled=False)
    assert page.locator("link[rel=stylesheet]").count() == 1
    wide = page.evaluate(
        """() => [...document.querySelectorAll("body *:not(.scroll *, pre *, .unseen, .skip)")].filter(
            e => e.getBoundingClientRect().right > document.documentElement.clientWidth + 1).map(e => e.outerHTML)"""
    )
    assert wide == []
    assert page.evaluate("getComputedStyle(document.body).maxWidth") != "none", "the style is there"


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("path", PATHS.values(), ids=PATHS)
def test_accessible(open_page: Open, path: str, scheme: str) -> None:
    """By axe-core, contrast included. It looks into the report too, which is another page in a frame."""
    page = open_page(path, 390, scheme, bypass_csp=True)
    found = axe_core.Axe().run(
        page, options={"runOnly": ["wcag2a", "wcag2aa", "wcag21aa", "wcag22aa", "best-practice"]}
    )
    assert found.response["testEngine"]["name"] == "axe-core"
    assert len(found.response["passes"]) > 10
    broken = [(rule["id"], [node["html"] for node in rule["nodes"]]) for rule in found.response["violations"]]
    assert broken == []


def test_axe_finds_something(open_page: Open) -> None:
    page = open_page("/", bypass_csp=True)
    page.evaluate("document.querySelector('h1').style.color = '#eee'")
    found = axe_core.Axe().run(page).response["violations"]
    assert [rule["id"] for rule in found] == ["color-contrast"]


def focused(page: Any) -> str:
    return str(page.evaluate("(document.activeElement.innerText || document.activeElement.name || '').trim()"))


def test_keyboard(open_page: Open) -> None:
    """From the top through the filters to the next page, with Tab and Enter; what has the focus is seen to have it."""
    page = open_page("/")
    page.keyboard.press("Tab")
    assert focused(page) == "Skip to the content"
    assert page.locator(".skip").bounding_box()["x"] >= 0
    order = []
    while not order or order[-1] != "conclusion":
        page.keyboard.press("Tab")
        order.append("conclusion" if page.evaluate("document.activeElement.name") == "conclusion" else focused(page))
        outline = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
        assert outline != "none", order
        assert len(order) < 10
    assert order[:3] == ["cpipe-check", "Runs", "Queue"]
    page.locator("input[name=repo]").focus()
    page.keyboard.type("many")
    page.keyboard.press("Enter")
    page.wait_for_url("**/?repo=many*")
    assert page.locator(".runs li").count() == 30
    page.get_by_role("link", name="Older").focus()
    page.keyboard.press("Enter")
    page.wait_for_url("**before=*")
    assert page.locator(".runs li").count() == 10
    page.get_by_role("link", name="Queue").focus()
    page.keyboard.press("Enter")
    page.wait_for_url("**/queue")


def test_skip_link(open_page: Open) -> None:
    page = open_page("/")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.name") == "repo"


def test_report_in_its_frame(open_page: Open) -> None:
    """It is shown with its pictures, and is another origin in which no script runs."""
    page = open_page(PATHS["pictures"])
    frame = page.frame_locator("iframe")
    frame.locator("h1").wait_for()
    assert frame.locator("h2").first.inner_text() == "pipeline.py"
    images = frame.locator(".gallery img")
    assert images.count() == 2
    assert all(images.nth(i).evaluate("image => image.naturalWidth") > 0 for i in range(2))
    assert frame.locator("body").evaluate("() => self.origin") == "null"


def test_replay(open_page: Open, small: Runs) -> None:
    """By keyboard: the box, the token, Enter. Without a choice nothing happens."""
    letters = [Letter(n, work(f"gone/away-{n}", n), "it is gone") for n in (1, 2)]
    for letter in letters:
        small.dead(letter.work, letter.reason)
    queue = Queue(*letters, told=lambda one: small.queued([one]))
    with served(application(small, queue)) as url:
        page = open_page("/queue", at=url)
        page.locator("input[type=password]").focus()
        page.keyboard.type(TOKEN)
        page.keyboard.press("Enter")
        page.wait_for_url("**/queue?replayed=0")
        page.get_by_label("gone/away-2").focus()
        page.keyboard.press("Space")
        page.keyboard.press("Tab")
        page.keyboard.press("Tab")
        page.keyboard.type(TOKEN)
        page.keyboard.press("Enter")
        page.wait_for_url("**/queue?replayed=1")
        assert page.get_by_role("status").inner_text() == "1 of them waits again."
        assert queue.replayed == [2]
        assert re.search("gone/away-2", page.locator(".runs").inner_text())
        assert "gone/away-1" in page.locator(".letters").inner_text()


def test_badge(open_page: Open) -> None:
    """The text stays within its part, whatever font there is."""
    page = open_page("/badge/octo/upscaler.svg")
    boxes = page.evaluate("[...document.querySelectorAll('text')].map(t => [t.getBBox().x, t.getBBox().width])")
    width = page.evaluate("document.documentElement.width.baseVal.value")
    (left, left_width), (right, right_width) = boxes
    assert 4 <= left < left + left_width < right < right + right_width <= width - 4

"""The pages in a real browser: nothing in the console, by keyboard, in the dark, and on a phone."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.router.ui.browser import CHROMIUM, DRIVER, Browser, Served, chromium
from tests.router.ui.house import EVIL
from tests.router.ui.test_pages import settled

pytest.importorskip("selenium")
pytestmark = [
    pytest.mark.skipif(
        CHROMIUM is None or DRIVER is None, reason="no Chromium: apt-get install chromium chromium-driver"
    ),
    pytest.mark.timeout(180),
]

_FAINT, _NAMELESS = (Path(__file__).with_name(name).read_text() for name in ("faint.js", "nameless.js"))
PAGES = ("overview", "quality", "tiers", "tenants", "requests", "playground", "policy")


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """Pages with some traffic behind them; one that climbed, and one that would rather be a script."""
    with Served(tmp_path_factory.mktemp("house"), {}) as found:
        for number in range(40):
            text = ("hello", "riddle", EVIL)[number % 3]
            found.do(found.house.answer(text, f"request-{number}", tenant=EVIL))
        found.do(settled(found.house, 40))
        for number in range(40):
            found.do(found.house.core.feedback(f"request-{number}", float(number % 4 > 0), EVIL))
        yield found


@pytest.fixture(scope="module")
def browser(served: Served, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """One browser for all pages."""
    with chromium(tmp_path_factory.mktemp("profile")) as driver:
        yield Browser(driver, served.base)


@pytest.fixture(autouse=True)
def nothing_to_complain_of(browser: Browser) -> Iterator[None]:
    """Whatever a test does, the console stays empty and no script of a stranger ran."""
    browser.complaints()
    yield
    assert browser.complaints() == []
    assert browser.run("return document.title") != "owned"


@pytest.mark.parametrize("page", [*PAGES, "requests/request-1"])
def test_a_page_fits_a_phone(browser: Browser, page: str) -> None:
    """At 375 pixels nothing makes it scroll sideways, also once its scripts have run."""
    browser.open(page, width=375)
    live = "return !document.querySelector('[data-live]') || performance.getEntriesByType('resource')"
    browser.wait(lambda: browser.run(f"{live}.some((one) => one.name.includes('width='))"), "the live part")
    assert browser.run("return document.documentElement.scrollWidth") <= 375
    assert browser.text("h1")


@pytest.mark.parametrize("page", PAGES)
def test_every_text_can_be_read_in_light_and_dark(browser: Browser, page: str) -> None:
    """Contrast of at least 4.5 between text and what lies behind it (WCAG 2.2, 1.4.3)."""
    for dark in (False, True):
        browser.open(page, dark=dark)
        seen_count, faint = browser.run(_FAINT)
        assert seen_count > 10
        assert faint == [], f"{page}, dark: {dark}"


def test_every_control_has_a_name(browser: Browser) -> None:
    """Fields have labels, buttons words, pictures a description."""
    for page in PAGES:
        browser.open(page)
        assert browser.run(_NAMELESS) == [], page


def test_the_theme_can_be_chosen(browser: Browser) -> None:
    """Whatever the system says, and it stays chosen on other pages."""
    browser.open("overview")
    light = browser.run("return getComputedStyle(document.body).backgroundColor")
    for _ in range(2):
        browser.run("document.getElementById('theme').click()")
    browser.open("tiers")
    assert browser.text("#theme-name") == "Dark"
    assert browser.run("return getComputedStyle(document.body).backgroundColor") != light
    browser.run("document.getElementById('theme').click()")


def test_the_keyboard_gets_everywhere(browser: Browser) -> None:
    """First past the navigation, then to every link of it; and the focus can be seen."""
    from selenium.webdriver import ActionChains, Keys

    browser.open("playground")
    reached = []
    for _ in range(12):
        ActionChains(browser.driver).send_keys(Keys.TAB).perform()
        reached.append(browser.run("return document.activeElement.innerText.trim()"))
        assert browser.run("return getComputedStyle(document.activeElement).outlineStyle") != "none"
    assert reached[0] == "Skip to content"
    assert [text for text in reached if text in ("Overview", "Policy")] == ["Overview", "Policy"]


def test_the_editor_does_not_catch_the_keyboard(browser: Browser) -> None:
    """Tab indents; after Escape it leaves."""
    from selenium.webdriver import ActionChains, Keys

    browser.open("policy")
    browser.run("document.getElementById('content').focus()")
    before = browser.run("return document.getElementById('content').value.length")
    ActionChains(browser.driver).send_keys(Keys.TAB).perform()
    assert browser.run("return document.getElementById('content').value.length") == before + 2
    ActionChains(browser.driver).send_keys(Keys.ESCAPE, Keys.TAB).perform()
    assert browser.run("return document.activeElement.id") != "content"
    browser.run("document.getElementById('revert').click()")
    browser.wait(lambda: browser.text("#verdict") == "as served", "the text as it was")


def test_the_playground_draws_a_climb(browser: Browser) -> None:
    """By keyboard: a lane an attempt, what was rejected struck through, confidence, and the answer."""
    from selenium.webdriver import ActionChains, Keys

    browser.open("playground")
    field = browser.driver.find_element("id", "prompt")
    field.send_keys("riddle")
    ActionChains(browser.driver).key_down(Keys.CONTROL).send_keys(Keys.ENTER).key_up(Keys.CONTROL).perform()
    browser.wait(lambda: browser.text(".result"), "the answer")
    assert browser.run("return document.querySelectorAll('.lane').length") == 2
    assert browser.text(".lane.rejected s") == "riddle"
    assert browser.text(".lane.accepted .answer") == "A river: it runs."
    assert browser.run("return document.querySelectorAll('.tokens rect').length") >= 2
    assert "frontier" in browser.text("#said")


def test_the_playground_shows_text_as_text(browser: Browser) -> None:
    """An answer that looks like HTML is none."""
    browser.open("playground")
    browser.run("document.getElementById('prompt').value = arguments[0]", EVIL)
    browser.run("document.getElementById('run').click()")
    browser.wait(lambda: browser.text(".result"), "the answer")
    assert browser.text(".lane .answer") == EVIL


def test_the_playground_decides_without_asking(browser: Browser) -> None:
    """A table of what is predicted, and no lane."""
    browser.open("playground")
    browser.run("document.getElementById('prompt').value = 'riddle'")
    browser.run("document.getElementById('decide').click()")
    browser.wait(lambda: "Predicted quality" in browser.text("#shown"), "the decision")
    assert browser.run("return document.querySelectorAll('.lane').length") == 0


def test_the_playground_says_what_is_wrong(browser: Browser) -> None:
    """With the field that the server named."""
    browser.open("playground")
    browser.run("document.getElementById('prompt').value = 'hello'")
    browser.run("document.getElementById('max_cost_usd').value = '0'")
    browser.run("document.getElementById('run').click()")
    browser.wait(lambda: "BUDGET_EXHAUSTED" in browser.text(".problem"), "the refusal")


def edit(browser: Browser, old: str, new: str) -> None:
    browser.run(
        "const c = document.getElementById('content'); c.value = c.value.replace(arguments[0], arguments[1]);"
        "c.dispatchEvent(new Event('input'));",
        old,
        new,
    )


def test_the_editor_refuses_a_bad_text_with_its_line(browser: Browser) -> None:
    """In the list, beside the line, and by a button that stays shut."""
    browser.open("policy")
    edit(browser, "backend: echo", "backend: ehco")
    browser.wait(lambda: "did you mean 'echo'" in browser.text("#problems"), "the problem")
    text = browser.run("return document.getElementById('content').value")
    line = text[: text.index("ehco")].count("\n") + 1
    assert f"Line {line}" in browser.text("#problems")
    assert browser.text(".gutter .wrong") == str(line)
    assert "did you mean" in browser.text(".lens .said-here")
    assert browser.run("return document.getElementById('review').disabled")
    browser.run("document.getElementById('revert').click()")
    browser.wait(lambda: browser.text("#verdict") == "as served", "the text as it was")


def test_the_editor_simulates_and_applies_a_good_text(browser: Browser, served: Served) -> None:
    """The difference, what it would have cost, and then the file itself."""
    browser.open("policy")
    edit(browser, "min_confidence: 0.8", "min_confidence: 0.7")
    browser.wait(lambda: browser.text("#verdict") == "valid", "the verdict")
    assert "+    min_confidence: 0.7" in browser.text("#diff")
    browser.run("document.getElementById('simulate').click()")
    browser.wait(lambda: "Old: default" in browser.text("#simulation"), "the simulation")
    browser.run("document.getElementById('review').click()")
    browser.run("document.getElementById('apply').click()")
    browser.wait(lambda: browser.text("#verdict").startswith("served since now"), "the change")
    assert "min_confidence: 0.7" in served.house.path.read_text()
    assert "update" in browser.text("#versions")


def test_the_overview_moves_while_it_is_looked_at(browser: Browser, served: Served) -> None:
    """And what was open stays open."""
    browser.open("overview")
    browser.run("document.getElementById('traffic-table').open = true")
    before = served.house.sources.traffic.total.count
    served.do(served.house.answer("hello", "one-more"))
    browser.wait(lambda: f"{before + 1} requests" in browser.text("main"), "the new figure")
    assert browser.run("return document.getElementById('traffic-table').open")


def test_the_admin_key_opens_locked_pages(browser: Browser, tmp_path: Path) -> None:
    """By the form, with a cookie that scripts do not see; logging out shuts them again."""
    with Served(tmp_path, {"with_keys": True}) as locked:
        browser.driver.get(f"{locked.base}/policy")
        browser.driver.find_element("id", "key").send_keys("upk_wrong\n")
        browser.wait(lambda: "not known" in browser.text(".problem"), "the refusal")
        # Chromium notes every answer that is none of 2xx.
        complaints = browser.complaints()
        assert all("401" in one for one in complaints), complaints
        browser.driver.find_element("id", "key").send_keys(f"{locked.house.key}\n")
        browser.wait(lambda: browser.text("h1") == "Policy", "the page that was asked for")
        assert browser.run("return document.cookie") == ""
        browser.run("document.querySelector('form[action$=logout] button').click()")
        browser.wait(lambda: browser.text("h1") == "Log in", "the login")
        browser.driver.get(f"{locked.base}/policy")
        assert browser.text("h1") == "Log in"

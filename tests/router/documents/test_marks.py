"""How text is set: marks from Markdown, HTML and DOCX, and Markdown that says the same again."""

from __future__ import annotations

import io

import docx
import pytest

from router.documents.element import Label, Page
from router.documents.marks import Mark, Style, marked
from router.documents.outcome import Document, Outcome, SettledPage, Verdict
from router.documents.output.markdown import to_markdown
from tests.router.documents.conftest import Split

_SAME = (
    "Some **bold**, *slanted* and ~~struck~~ text with `code | more` and [a link](https://x.org/a).\n",
    "1. one\n    - a\n    - b\n2. two\n",
    "| a | b |\n| --- | --- |\n| **x** | [y](z) |\n",
    "A \\*star\\* and &lt;b> and &amp;lt; and snake_case and 2\\*3\n",
    "- 2\\. odd\n",
    "# T\n\n## A *b*\n\n```python\nx = 1\n```\n",
)


def _markdown(page: Page) -> str:
    outcomes = tuple(Outcome(e, e.native, 1.0, Verdict.VERIFIED, "") for e in page.elements)
    return to_markdown(Document("x", "", "", (SettledPage(page, outcomes),)))


@pytest.mark.parametrize("text", _SAME)
def test_markdown_comes_out_as_it_went_in(split: Split, text: str) -> None:
    """Marks, nesting and escapes survive the way through elements."""
    assert _markdown(split("a.md", text)[0]) == text


def test_front_matter_is_data(split: Split) -> None:
    """What stands between rules at the top is kept as it is, and is no heading."""
    (page,) = split("a.md", "---\ntitle: x\ndate: 2026-01-01\n---\n\n# T\n")
    assert [(e.label, e.marker) for e in page.elements] == [(Label.CODE, "yaml"), (Label.TITLE, "")]


def test_entities_are_characters_but_in_code(split: Split) -> None:
    """As CommonMark has it: `&amp;` is a sign in text, and five signs in code."""
    (page,) = split("a.md", "a &amp; b `&amp;`\n")
    native = page.elements[0].native
    assert native is not None
    assert native.text == "a & b &amp;"


@pytest.mark.parametrize(
    ("html", "expected"),
    [
        ("<p>a <b>b</b>, <a href='/c'>c</a>.</p>", "a **b**, [c](/c).\n"),
        ("<ol start=4><li>a<img alt=p><ul><li>x</ul><li value=9>b</ol>", "4. a\n\n![p]()\n\n- x\n9. b\n"),
        ("<dl><dt>T<dd>D<dl><dt>t<dd>d</dl></dl>", "- T\n    - D\n    - t\n        - d\n"),
        ("<pre><code class='language-python'>\n  x = 1\n  y\n</code></pre>", "```python\nx = 1\ny\n```\n"),
        ("<table><caption>C</caption><tr><td>a<td><i>b</i></table>", "C\n\n| a | *b* |\n| --- | --- |\n"),
        ("<table><tr><td><h2>H</h2><p>p</table>", "## H\n\np\n"),
        ("<p>so <math alttext='x_1 * 2'><mi>x</mi></math> is</p>", "so $x_1 * 2$ is\n"),
        ("<table><tr><th rowspan=2>Y</tr><tr><td>1</tr></table>", "| Y | 1 |\n| --- | --- |\n"),
    ],
)
def test_html_comes_out_as_markdown(split: Split, html: str, expected: str) -> None:
    """Lists count as browsers count, tables keep captions, and layout is walked into."""
    assert _markdown(split("a.html", f"<!doctype html><body>{html}")[0]) == expected


def test_marks_stay_inside_words_and_spaces_outside() -> None:
    """Markdown takes no sign beside a space for emphasis."""
    assert marked("a b c", [Mark(1, 4, Style.BOLD)]) == "a **b** c"
    assert marked("x`y", [Mark(0, 3, Style.CODE)]) == "``x`y``"


def test_many_marks_cost_no_more_than_their_text(split: Split) -> None:
    """A hostile text of a hundred thousand marks is written in one sweep, and an endless item ends."""
    assert _markdown(split("a.md", "*a* " * 100_000)[0]).count("*a*") == 100_000
    (page,) = split("a.html", f"<!doctype html><ul><li>{'<p>word word</p>' * 20_000}</ul>")
    assert page.source_text.count("word") == 40_000


def test_docx_has_marks_margins_notes_and_numbers(split: Split) -> None:
    """Runs bring marks; headers are furniture; comments are told with their author; headings count."""
    document = docx.Document()
    document.sections[0].header.paragraphs[0].text = "Above"
    document.sections[0].footer.paragraphs[0].text = "Below"
    heading = document.add_heading("Part", 1)
    numbered = document.styles["List Number"].element.find(".//{*}numPr")
    heading.paragraph_format.element.get_or_add_pPr().append(numbered.__copy__())
    paragraph = document.add_paragraph("It is ")
    paragraph.add_run("sure").bold = True
    document.add_comment(paragraph.runs, "Is it?", author="Ann", initials="A")
    written = io.BytesIO()
    document.save(written)
    (page,) = split("a.docx", written.getvalue())
    said = {str(e.label): e.native.text for e in page.elements if e.native}
    assert (said["page_header"], said["page_footer"]) == ("Above", "Below")
    assert said["section_header"] == "1. Part"
    assert said["footnote"].startswith("[author: Ann (A), time: 2")
    assert said["footnote"].endswith("]: Is it?")
    assert _markdown(page) == "## 1. Part\n\nIt is **sure**\n"

"""``upshift document``, as its users type it."""

from __future__ import annotations

import io
import json
from pathlib import Path

from rich.console import Console

from router.cli.documents.progress import Watch
from router.documents.events import Planned
from tests.router.cli.conftest import Run
from tests.router.documents.files import Sheet, pdf, prose, put


def test_markdown_goes_to_standard_output(upshift: Run, tmp_path: Path) -> None:
    """The document alone is on standard output; what it took is told on standard error."""
    ended = upshift("document", str(put(tmp_path, "a.md", "# Title\n\ntext\n")))
    assert (ended.code, ended.out) == (0, "# Title\n\ntext\n")
    assert "1 page, 2 elements, 0 unverified" in ended.err


def test_json_has_provenance(upshift: Run, tmp_path: Path) -> None:
    """Every element has its page, box, engine, confidence and cost."""
    ended = upshift("document", str(put(tmp_path, "a.pdf", pdf([Sheet(prose(1))]))), "--out", "json")
    (element,) = ended.json["elements"]
    assert element["engine"] == "parser"
    assert element["page"] == 1
    assert element["bbox"]["coord_origin"] == "TOPLEFT"
    assert element["cost_usd_micros"] > 0


def test_html_is_a_report(upshift: Run, tmp_path: Path) -> None:
    """The report has the page's picture and a box for each element, and escapes what the document says."""
    path = put(tmp_path, "<b>.pdf", pdf([Sheet(prose(2))]))
    ended = upshift("document", str(path), "--out", "html")
    assert "data:image/jpeg;base64," in ended.out
    assert ended.out.count("class='box'") == 2
    assert "<b>.pdf" not in ended.out


def test_many_files_go_into_a_directory(upshift: Run, tmp_path: Path) -> None:
    """A file that is refused does not keep the others from being written."""
    good, bad = put(tmp_path, "a.md", "text"), put(tmp_path, "b.pdf", b"%PDF-1.4 no")
    ended = upshift("document", str(good), str(bad), "--into", str(tmp_path / "out"))
    assert ended.code == 2
    assert (tmp_path / "out" / "a.md.md").read_text() == "text\n"
    assert "b.pdf" in ended.err


def test_many_files_need_a_place(upshift: Run, tmp_path: Path) -> None:
    """Two documents cannot share standard output."""
    path = str(put(tmp_path, "a.md", "text"))
    ended = upshift("document", path, path)
    assert ended.code == 2
    assert "--into" in ended.err


def test_refusals_have_a_reason_for_programs(upshift: Run, tmp_path: Path) -> None:
    """What was refused is in the one JSON object."""
    ended = upshift("document", str(put(tmp_path, "a.pdf", b"%PDF-1.4 no")), "--json")
    assert ended.code == 2
    assert json.loads(ended.out)["refused"][0]["reason"] == "DOCUMENT_BROKEN"


def test_absent_files_say_so(upshift: Run, tmp_path: Path) -> None:
    """A file that is not there is named."""
    ended = upshift("document", str(tmp_path / "none.pdf"))
    assert ended.code != 0
    assert "none.pdf" in ended.err


def test_fields_come_with_where_they_stand(upshift: Run, tmp_path: Path) -> None:
    """`--schema` needs no tier where labels tell; the account points into the document."""
    path = put(tmp_path, "a.md", "Total: 12.50\n")
    schema = put(tmp_path, "s.json", '{"type": "object", "properties": {"total": {"type": "number"}}}')
    ended = upshift("document", str(path), "--schema", str(schema))
    assert ended.json["fields"] == {"total": 12.5}
    assert ended.json["evidence"]["total"]["at"]["quote"] == "12.50"


def test_questions_need_tiers(upshift: Run, tmp_path: Path) -> None:
    """`--ask` without a configuration says what is missing."""
    ended = upshift("document", str(put(tmp_path, "a.md", "text")), "--ask", "what?")
    assert ended.code == 2
    assert "--config" in ended.err


def test_files_of_one_name_do_not_overwrite_each_other(upshift: Run, tmp_path: Path) -> None:
    """Two directories may hold a file of the same name."""
    paths = []
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        paths.append(str(put(tmp_path / name, "a.md", name)))
    assert upshift("document", *paths, "--into", str(tmp_path / "out")).code == 0
    assert (tmp_path / "out" / "a.md.md").read_text() == "one\n"
    assert (tmp_path / "out" / "a.md-2.md").read_text() == "two\n"


def test_what_is_not_installed_is_said_once_and_whole() -> None:
    """The extra's name stands in brackets, which are no markup; a text file needs none of it."""
    console = Console(record=True, width=200, file=io.StringIO())
    remedy = "rapidocr is not installed: pip install 'upshift[documents-vision]' adds reading hard scans"
    watch = Watch(console, 2)
    for kind in ("markdown", "pdf", "pdf"):
        watch.hear(Planned(1, "", kind, 1, {}, (remedy,)))
    assert console.export_text() == f"{remedy}\n"

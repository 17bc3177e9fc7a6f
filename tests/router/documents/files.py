"""Small documents, written by hand: PDFs byte by byte, pictures by Pillow, DOCX by python-docx."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Line:
    """A line of text; ``x`` and ``y`` are in points from the lower left corner."""

    text: str
    x: float = 72
    y: float = 700
    size: float = 11
    invisible: bool = False


@dataclass(frozen=True, slots=True)
class Sheet:
    """A page: its lines, size, rotation, and a picture (JPEG bytes) that covers it."""

    lines: tuple[Line, ...] = ()
    width: float = 595
    height: float = 842
    rotation: int = 0
    picture: bytes | None = None
    picture_size: tuple[int, int] = (0, 0)


def pdf(sheets: Sequence[Sheet], *, to_unicode: str | None = None, extra: str = "") -> bytes:
    """A PDF of these pages; ``to_unicode`` is a CMap for its font, ``extra`` goes into the trailer."""
    objects: list[bytes] = [b"", b""]
    font = _add(objects, _font(objects, to_unicode))
    kids = []
    for sheet in sheets:
        content = _add(objects, _stream(_content(sheet)))
        image = "" if sheet.picture is None else f"/XObject << /Im {_add(objects, _image(sheet))} 0 R >>"
        page = (
            f"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 {sheet.width} {sheet.height}] "
            f"/Rotate {sheet.rotation} "
            f"/Resources << /Font << /F {font} 0 R >> {image} >> /Contents {content} 0 R >>"
        )
        kids.append(_add(objects, page.encode()))
    objects[0] = b"<< /Type /Catalog /Pages 2 0 R >>"
    listed = " ".join(f"{kid} 0 R" for kid in kids)
    objects[1] = f"<< /Type /Pages /Kids [{listed}] /Count {len(kids)} >>".encode()
    return _written(objects, extra)


def prose(count: int = 3, *, start: float = 720) -> tuple[Line, ...]:
    """Some sentences, each a line of its own paragraph."""
    sentences = (
        "The river rises in the hills and flows slowly towards the sea.",
        "Every morning the ferry carries workers across to the other side.",
        "In winter the water freezes and the children learn to skate on it.",
        "Old people remember when there was no bridge at all in the valley.",
    )
    return tuple(Line(sentences[index % 4], y=start - 40 * index) for index in range(count))


def table(
    rows: Sequence[Sequence[str]], *, x: float = 72, y: float = 500, column: float = 110
) -> tuple[Line, ...]:
    """Cells of a table as lines, in columns of this width."""
    return tuple(
        Line(text, x + column * column_index, y - 18 * row_index)
        for row_index, row in enumerate(rows)
        for column_index, text in enumerate(row)
    )


def picture_of(lines: Sequence[str], *, size: tuple[int, int] = (1000, 700), height: int = 36) -> bytes:
    """A PNG of black text on white, as a clean scan."""
    from PIL import Image, ImageDraw, ImageFont

    image = Image.new("RGB", size, "white")
    draw = ImageDraw.Draw(image)
    font = ImageFont.load_default(size=height)
    for index, line in enumerate(lines):
        draw.text((60, 50 + index * (height + 18)), line, fill="black", font=font)
    written = io.BytesIO()
    image.save(written, "PNG", dpi=(150, 150))
    return written.getvalue()


def jpeg_of(png: bytes) -> bytes:
    """The same picture as JPEG, as PDFs take it."""
    from PIL import Image

    written = io.BytesIO()
    Image.open(io.BytesIO(png)).convert("RGB").save(written, "JPEG", quality=90)
    return written.getvalue()


def put(directory: Path, name: str, data: bytes | str) -> Path:
    """Write a file."""
    path = directory / name
    path.write_bytes(data.encode() if isinstance(data, str) else data)
    return path


def _add(objects: list[bytes], body: bytes) -> int:
    objects.append(body)
    return len(objects)


def _font(objects: list[bytes], to_unicode: str | None) -> bytes:
    mapped = "" if to_unicode is None else f"/ToUnicode {_add(objects, _stream(to_unicode.encode()))} 0 R"
    return (
        f"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding {mapped} >>"
    ).encode()


def _content(sheet: Sheet) -> bytes:
    parts = []
    if sheet.picture is not None:
        parts.append(f"q {sheet.width} 0 0 {sheet.height} 0 0 cm /Im Do Q")
    for line in sheet.lines:
        text = line.text.replace("\\", r"\\").replace("(", r"\(").replace(")", r"\)")
        mode = 3 if line.invisible else 0
        parts.append(f"BT {mode} Tr /F {line.size} Tf {line.x} {line.y} Td ({text}) Tj ET")
    return "\n".join(parts).encode("cp1252")


def _image(sheet: Sheet) -> bytes:
    assert sheet.picture is not None
    width, height = sheet.picture_size
    head = (
        f"<< /Type /XObject /Subtype /Image /Width {width} /Height {height} /ColorSpace /DeviceRGB "
        f"/BitsPerComponent 8 /Filter /DCTDecode /Length {len(sheet.picture)} >>\nstream\n"
    )
    return head.encode() + sheet.picture + b"\nendstream"


def _stream(data: bytes) -> bytes:
    return f"<< /Length {len(data)} >>\nstream\n".encode() + data + b"\nendstream"


def _written(objects: Sequence[bytes], extra: str) -> bytes:
    out = bytearray(b"%PDF-1.4\n")
    places = []
    for number, body in enumerate(objects, start=1):
        places.append(len(out))
        out += f"{number} 0 obj\n".encode() + body + b"\nendobj\n"
    start = len(out)
    out += f"xref\n0 {len(objects) + 1}\n0000000000 65535 f \n".encode()
    for place in places:
        out += f"{place:010d} 00000 n \n".encode()
    out += f"trailer << /Size {len(objects) + 1} /Root 1 0 R {extra} >>\nstartxref\n{start}\n%%EOF\n".encode()
    return bytes(out)

"""PDF: text by pages, and what cannot be read said plainly. The files are made here, by the library and by hand."""

from __future__ import annotations

from io import BytesIO

import pytest
from pypdf import PdfWriter

from memory.sources.reading import Unreadable, read_document
from memory.sources.reading.document import Read
from memory.sources.reading.pdf import read_pdf


def pdf(*pages: str) -> bytes:
    """A PDF with a line of text on each page."""
    objects = ["<< /Type /Catalog /Pages 2 0 R >>", ""]
    kids = []
    for text in pages:
        number = len(objects) + 1
        kids.append(f"{number} 0 R")
        stream = f"BT /F1 12 Tf 72 720 Td ({text}) Tj ET" if text else ""
        font = "<< /F1 << /Type /Font /Subtype /Type1 /BaseFont /Helvetica >> >>"
        objects.append(
            f"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents {number + 1} 0 R"
            f" /Resources << /Font {font} >> >>"
        )
        objects.append(f"<< /Length {len(stream)} >>\nstream\n{stream}\nendstream")
    objects[1] = f"<< /Type /Pages /Kids [{' '.join(kids)}] /Count {len(kids)} >>"
    out = b"%PDF-1.4\n"
    offsets = []
    for number, body in enumerate(objects, 1):
        offsets.append(len(out))
        out += f"{number} 0 obj\n{body}\nendobj\n".encode()
    table = "".join(f"{offset:010} 00000 n \n" for offset in offsets)
    out += f"xref\n0 {len(objects) + 1}\n0000000000 65535 f \n{table}".encode()
    return (
        out + f"trailer\n<< /Size {len(objects) + 1} /Root 1 0 R >>\nstartxref\n{out.rindex(b'xref')}\n%%EOF".encode()
    )


def written(data: bytes, **how: object) -> bytes:
    writer = PdfWriter(clone_from=BytesIO(data))
    if "outline" in how:
        chapter = writer.add_outline_item(title="Shop", page_number=0)
        writer.add_outline_item(title="Cart", page_number=1, parent=chapter)
        writer.add_metadata({"/Title": "The shop"})
    if "password" in how:
        writer.encrypt(str(how["password"]), algorithm="RC4-128")
    out = BytesIO()
    writer.write(out)
    return out.getvalue()


def paths(read: Read) -> list[tuple[tuple[str, ...], str]]:
    return [(section.heading_path, section.text) for section in read.sections]


def test_pages_are_sections() -> None:
    document = read_document(pdf("Parcels go by sea.", "", "Letters by air."), "post.pdf")
    assert document.title == "page 1", "it has no title of its own"
    assert [(section.heading_path, section.text) for section in document.sections] == [
        (("page 1",), "Parcels go by sea."),
        (("page 3",), "Letters by air."),
    ], "an empty page has no text"


def test_the_outline_gives_headings() -> None:
    read = read_pdf(written(pdf("One.", "Two."), outline=True))
    assert read.title == "The shop", "the title is the file's"
    assert paths(read) == [(("Shop", "page 1"), "One."), (("Shop", "Cart", "page 2"), "Two.")], "above the pages"


def test_a_file_that_opens_without_a_password_is_read() -> None:
    assert paths(read_pdf(written(pdf("One."), password=""))) == [(("page 1",), "One.")], "its password is empty"


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (written(pdf("One."), password="secret"), "encrypted"),
        (pdf("", ""), "no text"),
        (b"%PDF-1.4\n garbage", "damaged"),
        (b"", "damaged"),
        (b"no pdf", "damaged"),
        (pdf("One.")[:300], "damaged|no text"),
    ],
)
def test_what_cannot_be_read(data: bytes, reason: str) -> None:
    with pytest.raises(Unreadable, match=reason):
        read_pdf(data)

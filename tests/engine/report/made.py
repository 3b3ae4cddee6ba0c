"""What exported files say, read back."""

import csv
import io

import pypdf


def pdf_text(made: bytes) -> str:
    pages = pypdf.PdfReader(io.BytesIO(made)).pages
    return "\n".join(page.extract_text() for page in pages).replace("\u200b", "")


def rows_of(made: bytes) -> list[list[str]]:
    return list(csv.reader(io.StringIO(made.decode())))

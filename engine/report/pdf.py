"""The printed report: laid out by Typst from the document, charts as vector graphics."""

import dataclasses
import json
import shutil
import tempfile
from pathlib import Path

import typst

from engine.economics.model import Report
from engine.report.document import document
from engine.report.figures import figures
from engine.report.glyphs import fallback_fonts, printable_all

TEMPLATE = Path(__file__).with_name("report.typ")
NOTE = (
    "Letters that the fonts of this print lack are given by their Unicode number, as [U+65E5]; "
    "the other files hold them as they are."
)


def pdf(report: Report) -> bytes:
    """A4 pages; equal reports give equal bytes."""
    drawn = figures(report)
    text = dataclasses.asdict(document(report))
    printed = printable_all(text)
    laid_out = {
        **printed,
        "note": "" if printed == text else NOTE,
        "product": f"{report.identity.product} {report.identity.version}",
        "charts": sorted(drawn),
    }
    with tempfile.TemporaryDirectory(prefix="smartscale-report-") as name:
        folder = Path(name)
        (folder / "document.json").write_text(json.dumps(laid_out), "utf-8")
        (folder / "report.typ").write_bytes(TEMPLATE.read_bytes())
        for key, svg in drawn.items():
            (folder / f"{key}.svg").write_text(svg, "utf-8")
        for font in fallback_fonts():
            shutil.copy(font, folder)
        made: bytes = typst.compile(
            folder / "report.typ", root=folder, format="pdf", font_paths=[folder],
            ignore_system_fonts=True,
        )  # fmt: skip
    return made

"""The printed report: laid out by Typst from the document, charts as vector graphics."""

import dataclasses
import json
import tempfile
from pathlib import Path

import typst

from engine.economics.model import Report
from engine.report.document import document
from engine.report.figures import figures

TEMPLATE = Path(__file__).with_name("report.typ")


def pdf(report: Report) -> bytes:
    """A4 pages; equal reports give equal bytes."""
    drawn = figures(report)
    laid_out = {
        **dataclasses.asdict(document(report)),
        "product": f"{report.identity.product} {report.identity.version}",
        "charts": sorted(drawn),
    }
    with tempfile.TemporaryDirectory(prefix="smartscale-report-") as name:
        folder = Path(name)
        (folder / "document.json").write_text(json.dumps(laid_out), "utf-8")
        (folder / "report.typ").write_bytes(TEMPLATE.read_bytes())
        for key, svg in drawn.items():
            (folder / f"{key}.svg").write_text(svg, "utf-8")
        made: bytes = typst.compile(
            folder / "report.typ", root=folder, format="pdf", ignore_system_fonts=True
        )
    return made

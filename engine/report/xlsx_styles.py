"""How the cells of the workbook look."""

from dataclasses import dataclass
from typing import Any

from xlsxwriter.workbook import Workbook


@dataclass(frozen=True, slots=True)
class Styles:
    """How cells look."""

    head: Any
    title: Any
    note: Any
    money: Any
    number: Any
    percent: Any
    total: Any
    strong: Any
    edit: Any
    wrap: Any


def sheet_styles(book: Workbook) -> Styles:
    """Formats of a workbook."""

    def made(**options: Any) -> Any:
        return book.add_format({"font_name": "Calibri", "font_size": 11, **options})

    return Styles(
        head=made(bold=True, bottom=2, text_wrap=True, valign="top"),
        title=made(bold=True, font_size=16),
        note=made(font_color="#6B7280"),
        money=made(num_format="#,##0.00;[Red]-#,##0.00"),
        number=made(num_format="#,##0.00####"),
        percent=made(num_format="0.00%"),
        total=made(num_format="#,##0.00;[Red]-#,##0.00", bold=True, top=1),
        strong=made(bold=True),
        edit=made(bg_color="#FFF8DC", border=1, border_color="#D6C690", num_format="#,##0.######"),
        wrap=made(text_wrap=True, valign="top"),
    )

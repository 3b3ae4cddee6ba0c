"""The workbook computes what the engine computes, also after somebody changed an assumption."""

import io
import os
import shutil
import subprocess

import openpyxl
import pytest

from engine.planner import Planner
from engine.report.xlsx import xlsx
from tests.engine.replays import demand, keep, scenario
from tests.engine.report.conftest import POLICIES

OFFICE = shutil.which("soffice") or shutil.which("libreoffice")
CHANGES = (
    {"growth": 0.25, "reserved_frac": 0.4, "years": 6, "penalty_usd_per_1000_missed": 55},
    {"discount_rate": 0.0, "migration_days": 0, "care_days_per_year": 0, "pue": 1.5},
    {"mode": "owned", "fee_usd_per_month": 4000, "carbon_usd_per_t": 120, "spot_frac": 0.5},
)


def formulas(book):
    return [
        (sheet.title, cell.coordinate)
        for sheet in book
        for row in sheet
        for cell in row
        if cell.data_type == "f"
    ]


def values(made: bytes):
    return openpyxl.load_workbook(io.BytesIO(made), data_only=True)


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """An open planner and three small runs."""
    with Planner(tmp_path_factory.mktemp("book") / "store.duckdb") as planner:
        keep(planner, demand())
        yield planner, planner.replay("demand", POLICIES, scenario=scenario())


@pytest.mark.slow
def test_every_formula_is_stored_with_a_value(runs):
    planner, ids = runs
    made = xlsx(planner.report(ids, ids[0]))
    stored = values(made)
    found = formulas(openpyxl.load_workbook(io.BytesIO(made)))
    assert len(found) > 150
    assert all(stored[sheet][cell].value is not None for sheet, cell in found)


@pytest.mark.slow
@pytest.mark.skipif(
    OFFICE is None and not os.environ.get("CI"), reason="LibreOffice is not installed"
)
@pytest.mark.parametrize("changes", CHANGES)
def test_a_changed_assumption_gives_the_engines_figures_to_the_cent(runs, changes, tmp_path):
    """Saved without values, so that LibreOffice has to compute every cell itself."""
    assert OFFICE is not None, "LibreOffice is not installed"
    planner, ids = runs
    base = planner.assumptions(ids)
    book = openpyxl.load_workbook(io.BytesIO(xlsx(planner.report(ids, ids[0], base))))
    for key, value in changes.items():
        sheet, cell = book.defined_names[f"a_{key}"].attr_text.split("!")
        book[sheet][cell.replace("$", "")] = value
    changed = tmp_path / "changed.xlsx"
    book.save(changed)
    subprocess.run(
        [OFFICE, "--headless", f"-env:UserInstallation=file://{tmp_path}/office",
         "--convert-to", "xlsx:Calc MS Excel 2007 XML", "--outdir", tmp_path / "out", changed],
        check=True, capture_output=True, timeout=120,
    )  # fmt: skip
    computed = openpyxl.load_workbook(tmp_path / "out" / "changed.xlsx", data_only=True)
    wanted = values(xlsx(planner.report(ids, ids[0], base.changed(changes))))
    compared = 0
    for sheet, cell in formulas(book):
        if sheet == "Summary":
            continue  # its lines move with the number of warnings; it only points elsewhere
        one, other = wanted[sheet][cell].value, computed[sheet][cell].value
        if isinstance(one, str) or isinstance(other, str):
            assert one == other, (sheet, cell)
        else:
            assert other == pytest.approx(one, abs=0.005, rel=1e-9), (sheet, cell)
        compared += 1
    assert compared > 150

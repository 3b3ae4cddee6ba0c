"""Every export: the same bytes again, the same figures everywhere, nothing a spreadsheet runs."""

import hashlib
import io
import json
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import jsonschema
import openpyxl
import pypdfium2
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.economics.model import Review
from engine.economics.uncertainty import Interval
from engine.errors import UsageError
from engine.report import flat
from engine.report.cells import FORMULA_STARTS, safe
from engine.report.document import document
from engine.report.export import KINDS, export, kind_of
from tests.engine.report.made import pdf_text, rows_of

pytestmark = pytest.mark.slow

NUMBER = re.compile(r"\d[\d,]*(?:\.\d+)?(?:e[+-]?\d+)?")


@pytest.mark.parametrize("kind", list(KINDS))
def test_equal_reports_give_equal_bytes(plain, kind):
    assert export(plain, kind) == export(plain, kind)


def test_another_process_makes_the_same_files(plain, tmp_path):
    """Names of elements, times and ids in the files must not come from the process."""
    stored = tmp_path / "report.json"
    stored.write_bytes(export(plain, "json"))
    program = (
        "import hashlib, json, sys, msgspec\n"
        "from engine.economics.model import Report\n"
        "from engine.report.export import KINDS, export\n"
        "report = msgspec.json.decode(open(sys.argv[1], 'rb').read(), type=Report)\n"
        "print(json.dumps({k: hashlib.sha256(export(report, k)).hexdigest() for k in KINDS}))"
    )
    ended = subprocess.run(
        [sys.executable, "-c", program, str(stored)],
        check=True, capture_output=True, text=True, cwd=Path(__file__).parents[3],
    )  # fmt: skip
    here = {kind: hashlib.sha256(export(plain, kind)).hexdigest() for kind in KINDS}
    assert json.loads(ended.stdout) == here


@pytest.mark.parametrize("kind", ["pdf", "html", "csv", "json", "focus.csv"])
def test_every_export_names_what_it_comes_from(plain, kind):
    made = export(plain, kind)
    text = pdf_text(made) if kind == "pdf" else made.decode()
    text = re.sub(r"\s+", "", text)
    for run_id in plain.identity.run_ids:
        assert run_id in text
    for name in (plain.identity.version, plain.identity.trace_name, plain.identity.scenario_hash):
        assert name.replace(" ", "") in text


def test_the_workbook_names_what_it_comes_from(plain):
    book = openpyxl.load_workbook(io.BytesIO(export(plain, "xlsx")))
    text = " ".join(str(cell.value) for sheet in book for row in sheet for cell in row)
    for run_id in plain.identity.run_ids:
        assert run_id in text
    assert plain.identity.version in text
    assert plain.identity.scenario_hash in text


def numbers_in(value) -> set[str]:
    """Every number of the JSON as any of the forms in which a report may print it."""
    texts = {token for text in strings_of(value) for token in NUMBER.findall(text)}
    for number in floats_of(value):
        for factor in (1.0, 100.0, 1e-6, 1.0 / 3600.0):
            size = abs(number * factor)
            texts |= {f"{size:,.{digits}f}" for digits in range(12)}
            texts |= {f"{size:.2g}", f"{size:,.10g}", f"{size:g}"}
    return texts


def strings_of(value):
    if isinstance(value, dict):
        for item in value.values():
            yield from strings_of(item)
    elif isinstance(value, list):
        for item in value:
            yield from strings_of(item)
    elif isinstance(value, str):
        yield value


def floats_of(value):
    if isinstance(value, dict):
        for item in value.values():
            yield from floats_of(item)
    elif isinstance(value, list):
        for item in value:
            yield from floats_of(item)
    elif isinstance(value, int | float) and not isinstance(value, bool):
        yield float(value)


def test_every_figure_in_the_pdf_is_found_in_the_json(plain):
    known = numbers_in(json.loads(export(plain, "json")))
    hours = (plain.identity.window_to_s - plain.identity.window_from_s) / 3600
    known |= {f"{hours:.{digits}f}" for digits in range(4)}
    known |= {str(number) for number in range(21)}  # pages, years, scopes, shares in the method
    known |= {"90", "2,000", "100", "1,000"}  # the level, the draws, "per 1,000 requests"
    printed = set(NUMBER.findall(pdf_text(export(plain, "pdf")).replace("\n", " ")))
    assert len(printed) > 100
    assert {n.rstrip(",.") for n in printed} - known == set()


def test_a_figure_that_is_not_in_the_json_would_be_noticed(plain):
    known = numbers_in(json.loads(export(plain, "json")))
    assert "123,456.78" not in known


@pytest.mark.parametrize("which", ["plain", "extreme"])
def test_nothing_on_a_page_lies_outside_it(which, request):
    made = export(request.getfixturevalue(which), "pdf")
    pages = pypdfium2.PdfDocument(made)
    try:
        assert 3 <= len(pages) <= 20
        for page in pages:
            width, height = page.get_size()
            text = page.get_textpage()
            for number in range(text.count_rects()):
                left, bottom, right, top = text.get_rect(number)
                assert left >= 0
                assert bottom >= 0
                assert right <= width - 30
                assert top <= height
            text.close()
            page.close()
    finally:
        pages.close()


def test_the_page_asks_no_other_machine(plain):
    text = export(plain, "html").decode()
    before_library, rest = text.split("<script>", 1)
    after_library = rest.split("</script>", 1)[1]
    for part in (before_library, after_library):
        assert not re.search(r"""(src|href)\s*=|url\(|https?:""", part)
    assert "default-src 'none'" in before_library


def test_what_is_typed_stays_text_in_the_page(plain):
    name = "<script>alert(1)</script>"
    odd = replace(plain, identity=replace(plain.identity, trace_name=name))
    text = export(odd, "html").decode()
    assert name not in text
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in text


@pytest.mark.parametrize("mark", ["@@plotly@@", "@@charts@@", "@@body@@", "@@title@@"])
def test_a_name_that_looks_like_a_place_of_the_template_stays_a_name(plain, mark):
    odd = replace(plain, identity=replace(plain.identity, trace_name=mark))
    page, usual = (len(export(report, "html")) for report in (odd, plain))
    assert abs(page - usual) < 1000
    assert mark in export(odd, "html").decode()


def test_letters_that_no_font_has_are_told_by_number_and_explained(plain):
    odd = replace(plain, identity=replace(plain.identity, trace_name="日本 🚀 Ω"))
    text = re.sub(r"\s+", " ", pdf_text(export(odd, "pdf")))
    assert "[U+65E5 U+672C] [U+1F680] Ω" in text
    assert "given by their Unicode number" in text
    assert "Unicode number" not in pdf_text(export(plain, "pdf"))
    assert "日本 🚀 Ω" in export(odd, "html").decode()


def test_the_slo_line_of_the_page_has_a_label(plain):
    assert '"text": "SLO ' in export(plain, "html").decode()


def test_a_changed_assumption_has_its_default_beside_it(plain):
    numbers = tuple(
        replace(entry, value=0.37, default=0.123) if entry.key == "growth" else entry
        for entry in plain.assumptions
    )
    odd = replace(plain, assumptions=numbers)
    assert "0.37 (default 0.123)" in re.sub(r"\s+", " ", pdf_text(export(odd, "pdf")))
    assert "0.37 (default 0.123)" in export(odd, "html").decode()
    sheet = openpyxl.load_workbook(io.BytesIO(export(odd, "xlsx")))["Assumptions"]
    row = next(row for row in sheet.iter_rows(values_only=True) if row[0] == "Growth of demand")
    assert (row[1], row[7]) == (0.37, 0.123)


def test_every_interval_is_printed_with_what_it_comes_from(plain):
    seeds = Interval(low=-12.25, high=34.5, source="seeds", note="mean of 5 seeds")
    window = Interval(low=-2.25, high=3.75, source="window", note="hours of the window resampled")
    known = replace(plain.switch, savings_per_month_seeds=seeds, savings_per_month_window=window)
    text = re.sub(r"\s+", " ", pdf_text(export(replace(plain, switch=known), "pdf")))
    assert "How sure this is" in text
    for words in ("mean of 5 seeds", "34.50", "hours of the window resampled", "3.75"):
        assert words in text


def test_the_json_keeps_to_its_published_schema(plain, extreme):
    schema = flat.schema()
    for report in (plain, extreme):
        jsonschema.validate(json.loads(export(report, "json")), schema)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({"verdict": "none"}, schema)


def test_the_table_holds_every_value_once(plain):
    head, *rows = rows_of(export(plain, "csv"))
    assert head == ["path", "value"]
    paths = [path for path, _ in rows]
    assert len(paths) == len(set(paths))
    values = dict(rows)
    assert float(values["switch.npv"]) == plain.switch.npv
    assert float(values[f"runs[{plain.runs[0].run_id}].tco"]) == plain.runs[0].tco


# Spreadsheets


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
@given(
    st.sampled_from(FORMULA_STARTS),
    st.text(st.characters(blacklist_categories=["Cs", "Cc"]), max_size=20),
)
def test_no_name_becomes_a_formula(plain, start, rest):
    name = start + rest
    odd = replace(plain, identity=replace(plain.identity, trace_name=name, scenario_name=name))
    for kind in ("csv", "focus.csv"):
        for row in rows_of(export(odd, kind)):
            for cell in row:
                assert not cell.startswith(FORMULA_STARTS) or is_number(cell)


def is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def test_text_in_the_workbook_is_text(extreme):
    book = openpyxl.load_workbook(io.BytesIO(export(extreme, "xlsx")))
    formulas = [
        cell.value for sheet in book for row in sheet for cell in row if cell.data_type == "f"
    ]
    assert len(formulas) > 150
    assert not any("cmd" in formula for formula in formulas)


@pytest.mark.parametrize("text", ["static", "2026-11-21", "a=b", ""])
def test_harmless_text_stays_as_it_is(text):
    assert safe(text) == text


def test_runs_of_other_seeds_are_named(plain):
    odd = replace(plain, identity=replace(plain.identity, seed_run_ids=("feedc0ffee12",)))
    assert "feedc0ffee12" in pdf_text(export(odd, "pdf")).replace("\n", "")


def test_the_card_of_the_total_cost_has_an_interval(plain):
    (card,) = (card for card in document(plain).cards if card.label.startswith("Total cost"))
    assert card.note.startswith("90 %: ")
    assert "baseline" in card.note


@pytest.mark.parametrize(
    ("name", "kind"),
    [("a.pdf", "pdf"), ("A.XLSX", "xlsx"), ("a.focus.csv", "focus.csv"), ("a.csv", "csv")],
)
def test_the_name_of_the_file_says_what_it_becomes(name, kind):
    assert kind_of(Path(name)) == kind


@pytest.mark.parametrize("name", ["report", "report.docx", "report.pd"])
def test_an_ending_that_is_not_known_is_refused(name):
    with pytest.raises(UsageError) as caught:
        kind_of(Path(name))
    assert "Known" in caught.value.fix


def test_an_unknown_kind_is_refused(plain):
    with pytest.raises(UsageError, match="unknown format"):
        export(plain, "docx")


def test_print_and_screen_say_the_same(plain):
    text = document(plain)
    page = export(plain, "html").decode()
    printed = re.sub(r"\s+", "", pdf_text(export(plain, "pdf")))
    for section in text.sections:
        assert section.title.replace("'", "&#x27;") in page
        assert re.sub(r"\s+", "", section.title).replace("'", "’") in printed.replace("'", "’")


def test_the_candidates_largest_decisions_are_told_in_order_of_time(plain):
    made = plain.decisions
    assert 0 < len(made) <= 8
    assert [one.at_h for one in made] == sorted(one.at_h for one in made)
    assert all(one.before != one.after for one in made)
    text = re.sub(r"\s+", " ", pdf_text(export(plain, "pdf")))
    assert f"Where {plain.switch.policy} changed capacity most" in text
    assert made[0].reason.replace("_", " ") in text


def test_reviews_are_printed_under_their_names(plain):
    assert "Reviews" not in [section.title for section in document(plain).sections]
    said = (Review(by="Ada", text="Watch the season."), Review(by="=1+1", text="@sum"))
    reviewed = replace(plain, reviews=said)
    printed = pdf_text(export(reviewed, "pdf"))
    assert "Watch the season." in printed
    assert "Ada" in printed
    assert json.loads(export(reviewed, "json"))["reviews"][0] == {
        "by": "Ada", "text": "Watch the season."
    }  # fmt: skip
    cells = {row[0]: row[1] for row in rows_of(export(reviewed, "csv"))}
    assert cells["reviews[1].by"] == "'=1+1"

"""The report as a workbook with live formulas: change an assumption and everything follows.

The sheets mirror `engine.economics.costs` cell by cell. Each formula is stored with the engine's
own result, so that viewers which do not compute show the same.
"""

import io
from collections.abc import Sequence
from datetime import datetime

import xlsxwriter
from xlsxwriter.utility import xl_col_to_name as column_name
from xlsxwriter.workbook import Workbook
from xlsxwriter.worksheet import Worksheet

from engine.economics import costs, wording
from engine.economics.assumptions import CostMode, groups
from engine.economics.model import Report, RunFigures
from engine.report.document import document
from engine.report.formulas import MEASURED, first_year, measured
from engine.report.xlsx_flows import YEARS_MAX, cash_flows, paid_back
from engine.report.xlsx_styles import Styles, sheet_styles

FIRST_RUN_COLUMN = 1


def xlsx(report: Report) -> bytes:
    """The workbook; equal reports give equal bytes."""
    out = io.BytesIO()
    book = xlsxwriter.Workbook(
        out, {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
    )
    dated = datetime.fromisoformat(report.identity.dated)
    identity = report.identity
    book.set_properties(
        {
            "title": "Cost and return of switching policy",
            "author": f"{identity.product} {identity.version}",
            "comments": f"runs {', '.join(identity.run_ids)}; trace {identity.trace_id}",
            "created": dated,
        }
    )
    book.set_calc_mode("auto")
    styles = sheet_styles(book)
    names = ("Summary", "Assumptions", "Measured", "Costs", "Cash flows", "Carbon", "Method")
    sheets = {name: book.add_worksheet(name) for name in names}
    _assumptions(book, sheets["Assumptions"], styles, report)
    _measured(sheets["Measured"], styles, report.runs)
    _costs(sheets["Costs"], styles, report)
    cash_flows(sheets["Cash flows"], styles, report)
    _carbon(sheets["Carbon"], styles, report)
    _summary(sheets["Summary"], styles, report)
    _method(sheets["Method"], styles, report)
    for sheet in sheets.values():
        sheet.set_landscape()
        sheet.set_paper(9)
        sheet.fit_to_pages(1, 0)
        sheet.set_footer(f"&L&8{identity.product} {identity.version}, runs "
                         f"{' '.join(identity.run_ids)[:120]}&R&8&P / &N")  # fmt: skip
    book.close()
    return out.getvalue()


def _assumptions(book: Workbook, sheet: Worksheet, styles: Styles, report: Report) -> None:
    sheet.set_column(0, 0, 34)
    sheet.set_column(1, 1, 14)
    sheet.set_column(2, 2, 24)
    sheet.set_column(3, 4, 11)
    sheet.set_column(5, 6, 48)
    sheet.set_column(7, 7, 18)
    heads = (
        "Assumption",
        "Value",
        "Unit",
        "Low",
        "High",
        "Source",
        "Meaning",
        "Default, if changed",
    )
    for column, text in enumerate(heads):
        sheet.write_string(0, column, text, styles.head)
    sheet.freeze_panes(1, 1)
    sheet.write_string(1, 0, "Machines are")
    sheet.write_string(1, 1, report.mode, styles.edit)
    sheet.data_validation(1, 1, 1, 1, {"validate": "list", "source": [m.value for m in CostMode]})
    book.define_name("a_mode", "=Assumptions!$B$2")
    row = 2
    for group, entries in groups(report.assumptions).items():
        sheet.write_string(row, 0, group, styles.strong)
        row += 1
        for entry in entries:
            sheet.write_string(row, 0, entry.label)
            sheet.write_number(row, 1, entry.value, styles.edit)
            sheet.write_string(row, 2, entry.unit)
            sheet.write_number(row, 3, entry.low, styles.number)
            sheet.write_number(row, 4, entry.high, styles.number)
            sheet.write_string(row, 5, entry.source)
            sheet.write_string(row, 6, entry.meaning)
            if entry.default is not None:
                sheet.write_number(row, 7, entry.default, styles.number)
            book.define_name(f"a_{entry.key}", f"=Assumptions!$B${row + 1}")
            row += 1


def _measured(sheet: Worksheet, styles: Styles, runs: Sequence[RunFigures]) -> None:
    sheet.set_column(0, 0, 34)
    sheet.set_column(1, len(runs), 22)
    sheet.write_string(0, 0, "Measured by the replay", styles.head)
    sheet.freeze_panes(1, 1)
    for number, run in enumerate(runs):
        column = FIRST_RUN_COLUMN + number
        sheet.write_string(0, column, run.policy, styles.head)
        sheet.write_string(len(MEASURED) + 1, column, run.run_id)
        for row, (key, _) in enumerate(MEASURED, start=1):
            sheet.write_number(row, column, run.totals[key], styles.number)
    for row, (_, label) in enumerate(MEASURED, start=1):
        sheet.write_string(row, 0, label)
    sheet.write_string(len(MEASURED) + 1, 0, "Run")


def _costs(sheet: Worksheet, styles: Styles, report: Report) -> None:
    sheet.set_column(0, 0, 34)
    sheet.set_column(1, len(report.runs), 22)
    title = f"First year, {report.identity.currency}"
    sheet.write_string(0, 0, title, styles.head)
    sheet.freeze_panes(1, 1)
    keys = list(costs.COMPONENTS)
    for row, key in enumerate(keys, start=1):
        sheet.write_string(row, 0, costs.COMPONENTS[key])
    total = len(keys) + 1
    sheet.write_string(total, 0, "All components", styles.strong)
    sheet.write_string(total + 1, 0, "Per month")
    sheet.write_string(total + 2, 0, "Capital, today")
    sheet.write_string(total + 3, 0, "Per 1,000 requests within the SLO")
    for number, run in enumerate(report.runs):
        name = column_name(FIRST_RUN_COLUMN + number)
        column = FIRST_RUN_COLUMN + number
        formulas = first_year(name, run.role != "baseline")
        sheet.write_string(0, column, run.policy, styles.head)
        for row, line in enumerate(run.components, start=1):
            formula = f"=({formulas[line.key]})*a_currency_per_usd"
            sheet.write_formula(row, column, formula, styles.money, line.per_year)
        last = f"{name}{total}"
        sheet.write_formula(total, column, f"=SUM({name}2:{last})", styles.total, run.per_year)
        sheet.write_formula(
            total + 1, column, f"={name}{total + 1}/12", styles.money, run.per_month
        )
        sheet.write_formula(
            total + 2, column, f"=({formulas['capex_usd']})*a_currency_per_usd", styles.money,
            run.capex,
        )  # fmt: skip
        met = f"{measured('met', name)}*a_hours_per_year*a_seasonality/{measured('hours', name)}"
        sheet.write_formula(
            total + 3, column, f'=IF({met}>0,1000*{name}{total + 1}/({met}),"not measured")',
            styles.number, run.per_1000_met if run.per_1000_met is not None else "not measured",
        )  # fmt: skip


def _carbon(sheet: Worksheet, styles: Styles, report: Report) -> None:
    sheet.set_column(0, 0, 42)
    sheet.set_column(1, len(report.runs), 22)
    sheet.write_string(0, 0, "A year, estimated", styles.head)
    sheet.freeze_panes(1, 1)
    electricity = f"Operational (kg CO2e, {wording.scope(report.mode)})"
    labels = ("Energy (kWh)", electricity, "Embodied (kg CO2e, scope 3)", "Together (kg CO2e)",
              "SCI (g CO2e per request)")  # fmt: skip
    for row, label in enumerate(labels, start=1):
        sheet.write_string(row, 0, label)
    for number, run in enumerate(report.runs):
        column, name = FIRST_RUN_COLUMN + number, column_name(FIRST_RUN_COLUMN + number)
        formulas = first_year(name, candidate=False)
        sheet.write_string(0, column, run.policy, styles.head)
        year = f"(a_hours_per_year*a_seasonality/{measured('hours', name)})"
        for row, (formula, value) in enumerate(
            (
                (f"={formulas['kwh']}", run.energy_kwh_per_year),
                (f"={formulas['operational_kg']}", run.operational_kg_per_year),
                (f"={formulas['embodied_kg']}", run.embodied_kg_per_year),
                (f"={name}3+{name}4", run.carbon_kg_per_year),
                (
                    f"=1000*{name}5/({measured('arrived', name)}*{year})",
                    run.sci_g_per_request or 0.0,
                ),
            ),
            start=1,
        ):
            sheet.write_formula(row, column, formula, styles.number, value)


def _summary(sheet: Worksheet, styles: Styles, report: Report) -> None:
    """Headlines as formulas; sentences as they were when the report was made."""
    text = document(report)
    sheet.set_column(0, 0, 38)
    sheet.set_column(1, 1, 24)
    sheet.set_column(2, 2, 70)
    sheet.write_string(0, 0, text.title, styles.title)
    sheet.write_string(1, 0, text.subtitle, styles.note)
    sheet.merge_range(2, 0, 2, 2, text.verdict, styles.wrap)
    sheet.set_row(2, 48)
    row = 3
    for warning in text.warnings:
        sheet.merge_range(row, 0, row, 2, f"Read first: {warning}", styles.wrap)
        sheet.set_row(row, 32)
        row += 1
    row += 1
    switch, last = report.switch, YEARS_MAX + 4
    values = (
        ("Savings per month", f"='Cash flows'!B{last + 1}", switch.savings_per_month,
         styles.money),
        ("Payback, months", f"='Cash flows'!B{last + 2}",
         paid_back(report), styles.number),
        ("Net present value", f"='Cash flows'!B{last}", switch.npv, styles.money),
        ("Total cost of ownership, candidate", f"='Cash flows'!B{last + 6}", switch.tco_candidate,
         styles.money),
        ("Total cost of ownership, baseline", f"='Cash flows'!B{last + 5}", switch.tco_baseline,
         styles.money),
        ("Avoided emissions, kg CO2e a year", "=Carbon!B5-Carbon!C5", switch.avoided_kg_per_year,
         styles.money),
        ("SLO attainment, candidate",
         f"={measured('met', 'C')}/MAX({measured('arrived', 'C')},1)",
         report.runs[1].slo_attainment_frac or 0.0, styles.percent),
        ("SLO attainment, baseline",
         f"={measured('met', 'B')}/MAX({measured('arrived', 'B')},1)",
         report.runs[0].slo_attainment_frac or 0.0, styles.percent),
    )  # fmt: skip
    for label, formula, value, style in values:
        sheet.write_string(row, 0, label, styles.strong)
        sheet.write_formula(row, 1, formula, style, value)
        row += 1
    notes = (
        f"Amounts in {report.identity.currency}; prices of {report.identity.price_date}.",
        "Change the yellow cells on the sheet Assumptions: the figures above follow.",
        "Sentences and intervals stay those of the report.",
        text.footer,
    )
    for number, line in enumerate(notes, start=1):
        sheet.write_string(row + number, 0, line, styles.note)


def _method(sheet: Worksheet, styles: Styles, report: Report) -> None:
    sheet.set_column(0, 0, 26)
    sheet.set_column(1, 1, 110)
    sheet.write_string(0, 0, "Method and glossary", styles.head)
    for row, term in enumerate((*report.method, *report.glossary), start=1):
        sheet.write_string(row, 0, term.term, styles.strong)
        sheet.write_string(row, 1, term.text, styles.wrap)

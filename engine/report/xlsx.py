"""The report as a workbook with live formulas: change an assumption and everything follows.

The sheets mirror `engine.economics.costs` cell by cell. Each formula is stored with the engine's
own result, so that viewers which do not compute show the same.
"""

import io
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import xlsxwriter
from xlsxwriter.utility import xl_col_to_name as column_name
from xlsxwriter.workbook import Workbook
from xlsxwriter.worksheet import Worksheet

from engine.economics import costs
from engine.economics.assumptions import CostMode, groups
from engine.economics.model import Report, RunFigures
from engine.report.document import document
from engine.report.formulas import MEASURED, first_year, measured, of_year

YEARS_MAX = 20
"""Rows of the cash flows; the horizon can be changed in the sheet up to this."""
FIRST_RUN_COLUMN = 1


@dataclass(frozen=True, slots=True)
class _Styles:
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
    styles = _styles(book)
    names = ("Summary", "Assumptions", "Measured", "Costs", "Cash flows", "Carbon", "Method")
    sheets = {name: book.add_worksheet(name) for name in names}
    _assumptions(book, sheets["Assumptions"], styles, report)
    _measured(sheets["Measured"], styles, report.runs)
    _costs(sheets["Costs"], styles, report)
    _flows(sheets["Cash flows"], styles, report)
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


def _styles(book: Workbook) -> _Styles:
    def made(**options: Any) -> Any:
        return book.add_format({"font_name": "Calibri", "font_size": 11, **options})

    return _Styles(
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


def _assumptions(book: Workbook, sheet: Worksheet, styles: _Styles, report: Report) -> None:
    sheet.set_column(0, 0, 34)
    sheet.set_column(1, 1, 14)
    sheet.set_column(2, 2, 24)
    sheet.set_column(3, 4, 11)
    sheet.set_column(5, 6, 48)
    heads = ("Assumption", "Value", "Unit", "Low", "High", "Source", "Meaning")
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
            book.define_name(f"a_{entry.key}", f"=Assumptions!$B${row + 1}")
            row += 1


def _measured(sheet: Worksheet, styles: _Styles, runs: Sequence[RunFigures]) -> None:
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


def _costs(sheet: Worksheet, styles: _Styles, report: Report) -> None:
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


def _flows(sheet: Worksheet, styles: _Styles, report: Report) -> None:
    """Year by year for baseline and candidate; beyond the horizon everything is 0."""
    heads = ("Year", "Baseline", "Candidate", "Flow", "Discounted", "Cumulated",
             "Cumulated, undiscounted")  # fmt: skip
    for column, text in enumerate(heads):
        sheet.write_string(0, column, text, styles.head)
    sheet.set_column(0, 0, 26)
    sheet.set_column(1, 6, 20)
    sheet.freeze_panes(1, 1)
    capital = len(costs.COMPONENTS) + 4
    known = {year.year: year for year in report.switch.years}
    plain = 0.0
    for year in range(YEARS_MAX + 1):
        row, cell = year + 1, year + 2
        seen = known.get(year)
        sheet.write_number(row, 0, year)
        for column, name, value in (
            (1, "B", seen.baseline if seen else 0.0),
            (2, "C", seen.candidate if seen else 0.0),
        ):
            formula = (
                f"=Costs!{name}${capital}"
                if year == 0
                else f"=IF($A{cell}<=a_years,{of_year(name, f'$A{cell}')},0)"
            )
            sheet.write_formula(row, column, formula, styles.money, value)
        plain += seen.flow if seen else 0.0
        cumulated = seen.cumulated if seen else report.switch.npv
        for column, formula, value in (
            (3, f"=B{cell}-C{cell}", seen.flow if seen else 0.0),
            (4, f"=D{cell}/(1+a_discount_rate)^A{cell}", seen.discounted if seen else 0.0),
            (5, f"=SUM(E$2:E{cell})", cumulated),
            (6, f"=SUM(D$2:D{cell})", plain),
        ):
            sheet.write_formula(row, column, formula, styles.money, value)
    _results(sheet, styles, report)


def _results(sheet: Worksheet, styles: _Styles, report: Report) -> None:
    switch, last = report.switch, YEARS_MAX + 2
    flows, plain = f"$D$2:$D${last}", f"$G$2:$G${last}"
    owed = f"SUMPRODUCT(MAX(({plain}<0)*(ROW({plain})-1)))"
    payback = (
        f'=IF($G${last}<0,"never",IF({owed}=0,0,({owed}-1+'
        f"-INDEX({plain},{owed})/(INDEX({plain},{owed}+1)-INDEX({plain},{owed})))*12))"
    )
    signs = f"SUMPRODUCT(--(SIGN($D$2:$D${last - 1})*SIGN($D$3:$D${last})<0))"
    lines = (
        ("Net present value", f"=SUM($E$2:$E${last})", switch.npv, styles.total),
        ("Savings per month, first year", _savings_formula(), switch.savings_per_month,
         styles.money),
        ("Payback, months", payback,
         "never" if switch.payback_months is None else switch.payback_months, styles.number),
        ("Internal rate of return", f'=IF({signs}<>1,"none",{_irr(flows, report)})',
         "none" if switch.irr is None else switch.irr, styles.percent),
        ("Return on investment", f'=IF($D$2<0,(SUM($D$3:$D${last})+$D$2)/-$D$2,"none")',
         "none" if switch.roi is None else switch.roi, styles.percent),
        ("Total cost of ownership, baseline",
         f"=B2+SUMPRODUCT($B$3:$B${last}/(1+a_discount_rate)^$A$3:$A${last})",
         switch.tco_baseline, styles.money),
        ("Total cost of ownership, candidate",
         f"=C2+SUMPRODUCT($C$3:$C${last}/(1+a_discount_rate)^$A$3:$A${last})",
         switch.tco_candidate, styles.money),
    )  # fmt: skip
    for row, (label, formula, value, style) in enumerate(lines, start=last + 1):
        sheet.write_string(row, 0, label, styles.strong)
        sheet.write_formula(row, 1, formula, style, value)


def _savings_formula() -> str:
    row = len(costs.COMPONENTS) + 3
    return f"=Costs!B{row}-Costs!C{row}"


def _irr(flows: str, report: Report) -> str:
    """Spreadsheets search the rate from a guess, and may not find it from a poor one."""
    known = [] if report.switch.irr is None else [report.switch.irr]
    formula = '"not found"'
    for guess in reversed([*known, 0.1, -0.3, -0.6, -0.8, -0.95, 1, 10, 100]):
        formula = f"IFERROR(IRR({flows},{guess:.6g}),{formula})"
    return formula


def _carbon(sheet: Worksheet, styles: _Styles, report: Report) -> None:
    sheet.set_column(0, 0, 42)
    sheet.set_column(1, len(report.runs), 22)
    sheet.write_string(0, 0, "A year, estimated", styles.head)
    sheet.freeze_panes(1, 1)
    labels = ("Energy (kWh)", "Operational (kg CO2e, scope 2)", "Embodied (kg CO2e, scope 3)",
              "Together (kg CO2e)", "SCI (g CO2e per request)")  # fmt: skip
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


def _summary(sheet: Worksheet, styles: _Styles, report: Report) -> None:
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
         "never" if switch.payback_months is None else switch.payback_months, styles.number),
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


def _method(sheet: Worksheet, styles: _Styles, report: Report) -> None:
    sheet.set_column(0, 0, 26)
    sheet.set_column(1, 1, 110)
    sheet.write_string(0, 0, "Method and glossary", styles.head)
    for row, term in enumerate((*report.method, *report.glossary), start=1):
        sheet.write_string(row, 0, term.term, styles.strong)
        sheet.write_string(row, 1, term.text, styles.wrap)

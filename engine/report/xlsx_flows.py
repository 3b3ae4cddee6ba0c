"""The sheet of cash flows and what follows from them, as formulas."""

import math

from xlsxwriter.worksheet import Worksheet

from engine.economics import costs
from engine.economics.model import Report
from engine.report.formulas import of_year
from engine.report.xlsx_styles import Styles

YEARS_MAX = 20
"""Rows of the cash flows; the horizon can be changed in the sheet up to this."""


def cash_flows(sheet: Worksheet, styles: Styles, report: Report) -> None:
    """Year by year for baseline and candidate; beyond the horizon everything is 0."""
    heads = ("Year", "Baseline", "Candidate", "Flow", "Discounted", "Cumulated",
             "Cumulated, undiscounted", "Last sign")  # fmt: skip
    for column, text in enumerate(heads):
        sheet.write_string(0, column, text, styles.head)
    sheet.set_column(0, 0, 26)
    sheet.set_column(1, 7, 20)
    sheet.freeze_panes(1, 1)
    capital = len(costs.COMPONENTS) + 4
    known = {year.year: year for year in report.switch.years}
    plain = sign = 0.0
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
        if seen and seen.flow:
            sign = math.copysign(1.0, seen.flow)
        for column, formula, value in (
            (3, f"=B{cell}-C{cell}", seen.flow if seen else 0.0),
            (4, f"=D{cell}/(1+a_discount_rate)^A{cell}", seen.discounted if seen else 0.0),
            (5, f"=SUM(E$2:E{cell})", cumulated),
            (6, f"=SUM(D$2:D{cell})", plain),
            (7, f"=IF(D{cell}<>0,SIGN(D{cell}),{f'H{cell - 1}' if year else 0})", sign),
        ):
            sheet.write_formula(row, column, formula, styles.money, value)
    _results(sheet, styles, report)


def _results(sheet: Worksheet, styles: Styles, report: Report) -> None:
    switch, last = report.switch, YEARS_MAX + 2
    flows, plain = f"$D$2:$D${last}", f"$G$2:$G${last}"
    owed = f"SUMPRODUCT(MAX(({plain}<0)*(ROW({plain})-1)))"
    payback = (
        f'=IF($G${last}<0,"never",IF({owed}=0,0,({owed}-1+'
        f"-INDEX({plain},{owed})/(INDEX({plain},{owed}+1)-INDEX({plain},{owed})))*12))"
    )
    payback = f'=IF(AND($D$2>0,SUM($D$3:$D${last})<0),"no investment",{payback[1:]})'
    signs = f"SUMPRODUCT(--($H$2:$H${last - 1}*$H$3:$H${last}<0))"
    rate = f'=IF({signs}<>1,"none",IF($H${last}<0,"none",{_irr(flows, report)}))'
    lines = (
        ("Net present value", f"=SUM($E$2:$E${last})", switch.npv, styles.total),
        ("Savings per month, first year", _savings_formula(), switch.savings_per_month,
         styles.money),
        ("Payback, months", payback, paid_back(report), styles.number),
        ("Internal rate of return", rate,
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


def paid_back(report: Report) -> float | str:
    """Months until it has, or why it never has."""
    switch = report.switch
    return switch.payback_text if switch.payback_months is None else switch.payback_months


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

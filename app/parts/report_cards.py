"""What a report shows on screen: verdict, headlines, charts, tables and files."""

from collections.abc import Sequence
from functools import partial

import pandas as pd
import streamlit as st

from app import load, phrases, state, words
from app.charts import money as charts
from engine.economics.assumptions import Assumptions
from engine.economics.model import Report, Review
from engine.report.document import document
from engine.report.pieces import Table

FILES = (
    ("pdf", "PDF", "application/pdf", ":material/picture_as_pdf:"),
    ("xlsx", "Excel", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
     ":material/table:"),
    ("html", "HTML", "text/html", ":material/language:"),
    ("csv", "CSV", "text/csv", ":material/csv:"),
    ("json", "JSON", "application/json", ":material/data_object:"),
    ("focus.csv", "FOCUS", "text/csv", ":material/receipt_long:"),
)  # fmt: skip


def summary(report: Report) -> None:
    """The verdict, what must be read first, and six figures."""
    text = document(report)
    candidate = report.runs[1]
    kept = (candidate.slo_attainment_frac or 0.0) >= candidate.totals["promise_frac"]
    saves = report.switch.npv > 0 and kept
    (st.success if saves else st.warning)(
        phrases.escaped(text.verdict),
        icon=":material/verified:" if saves else ":material/warning:",
    )
    for warning in text.warnings:
        st.info(phrases.escaped(warning), icon=":material/priority_high:")
    with st.grid(3, min_column_width=260):
        for card in text.cards:
            with st.container(border=True):
                st.metric(card.label, phrases.escaped(card.value))
                st.caption(phrases.escaped(card.note))


def files(run_ids: Sequence[str], baseline: str, given: Assumptions) -> None:
    """A button for every export; a file is made when its button is pressed."""
    with st.container(border=True):
        st.markdown(f"**{words.REPORT_FILES}**")
        st.caption(words.REPORT_FILES_HELP)
        reviews = _review()
        with st.container(horizontal=True):
            for kind, label, mime, icon in FILES:
                st.download_button(
                    label,
                    data=partial(load.report_file, tuple(run_ids), baseline, given, kind, reviews),
                    file_name=f"smartscale-{baseline[:6]}.{kind}",
                    mime=mime,
                    icon=icon,
                    key=f"report_{kind}",
                    on_click="ignore",
                )


def _review() -> tuple[Review, ...]:
    """What the reader wants to add to the files; nothing until both fields are filled."""
    with st.expander(words.REPORT_REVIEW, icon=":material/rate_review:"):
        by = st.text_input(words.REPORT_REVIEWER, key=state.REPORT_REVIEWER).strip()
        text = st.text_area(
            words.REPORT_REVIEW_TEXT, help=words.REPORT_REVIEW_HELP, key=state.REPORT_REVIEW
        ).strip()
    return (Review(by=by, text=text),) if by and text else ()


def details(report: Report) -> None:
    """Charts and tables, in the order of the printed report."""
    sections = {section.title: section for section in document(report).sections}
    drawn = {
        "A year's cost by component": charts.components,
        "Cash flows of switching": charts.flows,
        "What matters most": charts.tornado if report.switch.tornado else None,
    }
    shown = (
        "What the replay measured", "A year's cost by component", "Cash flows of switching",
        "How sure this is", "What matters most", "Energy and carbon", "Largest decisions",
        "All runs against the baseline",
    )  # fmt: skip
    for title in shown:
        section = sections[title]
        with st.container(border=True):
            st.subheader(title)
            if section.text:
                st.caption(phrases.escaped(section.text))
            chart = drawn.get(title)
            if chart is not None:
                st.altair_chart(chart(report), key=f"report_chart_{title}", alt=title)
            for number, table in enumerate(section.tables):
                _table(table, f"{title} {number + 1}")


def _table(table: Table, name: str) -> None:
    heads = [phrases.escaped(head) or " " for head in table.head]
    rows = [
        [f"**{phrases.escaped(cell)}**" if number in table.strong else phrases.escaped(cell)
         for cell in row]
        for number, row in enumerate(table.rows)
    ]  # fmt: skip
    st.table(pd.DataFrame(rows, columns=heads), hide_index=True, alt=name)

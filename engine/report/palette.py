"""Colours and line styles of a report's charts; they differ in grey as well."""

COLORS = ("#0072B2", "#B4500B", "#007A5A", "#9B4A86", "#8A6A00", "#4C5F73")
INK, FAINT = "#1F2937", "#CBD5E1"
STYLES = (
    ("-", "solid"),
    ((0, (5, 2)), "dash"),
    ((0, (1.5, 1.5)), "dot"),
    ((0, (6, 2, 1.5, 2)), "dashdot"),
    ((0, (3, 3)), "longdash"),
    ((0, (9, 3)), "longdashdot"),
)
"""Each as Matplotlib and as Plotly name it."""

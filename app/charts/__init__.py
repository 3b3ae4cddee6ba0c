"""Frame to chart: pure functions, no queries, no Streamlit."""

"""Frames in, charts out: pure functions that never query and never call Streamlit."""

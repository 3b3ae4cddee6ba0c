"""Pixels: the only package that imports streamlit."""

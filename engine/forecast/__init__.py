"""Quantile forecasts of demand, their calibration and their scores."""

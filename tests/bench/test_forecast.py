"""The benchmark of forecasts measures the shipped network, and the TFT-style one beside it."""

import pytest

from engine.bench import forecast
from engine.forecast.neural import NeuralForecaster


def test_the_benchmark_times_single_forecasts_and_batches_of_both_networks():
    figures = forecast.run(calls=5, pools=3)
    assert (figures["calls"], figures["pools"]) == (5, 3)
    for mark in ("", "tft_"):
        assert 0 < figures[f"{mark}one_p50_ms"] <= figures[f"{mark}one_p99_ms"]
        assert 0 < figures[f"{mark}batch_ms"] <= figures[f"{mark}batch_max_ms"]


@pytest.mark.parametrize(
    ("one", "batch", "passed"), [(2.6, 49.0, True), (2.8, 49.0, False), (2.6, 51.0, False)]
)
def test_both_bars_have_to_be_met_by_the_shipped_network(monkeypatch, one, batch, passed):
    def measured(network, *_):
        ours = network.name == "bilstm"
        return {"one_p99_ms": one if ours else 99.0, "batch_ms": batch if ours else 99.0}

    monkeypatch.setattr(forecast, "_measured", measured)
    assert forecast.run()["passed"] is passed


def test_histories_are_as_long_as_the_network_looks_back():
    histories = forecast._histories(2)
    assert histories.demand.shape == (2, 7 * 288 + 12 + 24)
    network = NeuralForecaster.load()
    asked = (histories, forecast.HORIZONS_S, forecast.LEVELS)
    assert network.predict_quantiles(*asked).shape == (2, 6, 3)


def test_the_rival_is_the_tft_core():
    assert forecast._tft().name == "tft"

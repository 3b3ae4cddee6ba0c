"""Which forecasters are asked without being chosen."""

import pytest

from app.parts.forecast_view import quick
from engine.forecast.network import Network
from engine.forecast.registry import MODELS


@pytest.mark.parametrize("name", MODELS)
def test_every_network_is_asked_at_once_and_no_model_that_is_grown_on_the_trace(name):
    counted = name in ("persistence", "seasonal-naive")
    assert quick(name, None) == (counted or isinstance(MODELS[name].make(0), Network))


def test_mixtures_are_asked_when_they_are_chosen():
    assert not quick("choice", None)

"""Which device networks learn on is what was asked for, or an error that says so."""

import pytest

from engine.device import device_for
from engine.errors import UsageError


@pytest.mark.parametrize(
    ("best", "wanted", "found"),
    [("cpu", "auto", "cpu"), ("cuda", "auto", "cuda"), ("cuda", "cpu", "cpu"),
     ("cpu", "cpu", "cpu"), ("cuda", "cuda", "cuda")],
)  # fmt: skip
def test_the_gpu_is_used_where_there_is_one_unless_the_cpu_is_asked_for(
    monkeypatch, best, wanted, found
):
    monkeypatch.setattr("models.device.best_device", lambda: best)
    assert device_for(wanted) == found


@pytest.mark.parametrize(
    ("wanted", "told"), [("cuda", "torch sees no GPU"), ("abacus", "there is no device 'abacus'")]
)
def test_a_device_that_is_not_there_is_refused(monkeypatch, wanted, told):
    monkeypatch.setattr("models.device.best_device", lambda: "cpu")
    with pytest.raises(UsageError, match=told) as refused:
        device_for(wanted)
    assert refused.value.fix == "Use cpu, or auto: the GPU where there is one"

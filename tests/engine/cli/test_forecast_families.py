import pytest

from engine.cli.forecast_families import families_of
from engine.errors import UsageError

KNOWN = ["m-small", "m-large", "azure"]


def test_families_are_read_as_typed():
    given = ["ServeGen=m-small, m-large", "chat=azure,azure"]
    assert families_of(given, KNOWN, str) == {
        "ServeGen": ["m-small", "m-large"], "chat": ["azure"],
    }  # fmt: skip
    assert families_of([], KNOWN, str) == {}
    assert families_of(["x=m"], KNOWN, {"m": "m-small"}.get) == {"x": ["m-small"]}


@pytest.mark.parametrize(
    ("given", "what"),
    [
        (["ServeGen"], "names no family"),
        (["=m-small"], "names no family"),
        (["ServeGen= ,"], "names no family"),
        (["ServeGen=m-small,absent"], "is not evaluated"),
        (["a=m-small", "b=m-small"], "is of family 'a' and of 'b'"),
    ],
)
def test_what_is_no_family_is_told(given, what):
    with pytest.raises(UsageError, match=what) as told:
        families_of(given, KNOWN, str)
    assert told.value.where == "--family"

"""Every parameter of ours is described, and the ranges that are told are those that are kept."""

import re

import pytest

from engine.errors import PolicyError
from engine.policies.described import meanings
from engine.policies.registry import available, create, parse_spec

OURS = {
    (info.name, parameter.name): parameter
    for info in available().values()
    if info.package == "smartscale"
    for parameter in info.parameters
}
_NUMBER = r"-?\d+(?:\.\d+)?"
_LIMITS = re.compile(
    rf"\b(?P<share>above 0 and up to 1)\b"
    rf"|(?<![\d.])(?P<low>{_NUMBER}) (?:to (?P<high>{_NUMBER})|or more)"
)


def limits(meaning):
    """Lowest and highest, as told; None where there is none."""
    found = _LIMITS.search(meaning)
    assert found, meaning
    if found["share"]:
        return 0.0, 1.0
    return float(found["low"]), None if found["high"] is None else float(found["high"])


LIMITED = {key: p.meaning for key, p in OURS.items() if _LIMITS.search(p.meaning)}


def test_every_parameter_of_ours_is_described():
    assert [key for key, parameter in OURS.items() if not parameter.meaning] == []


def test_every_number_has_its_range():
    numbers = {
        key for key, parameter in OURS.items()
        if isinstance(parameter.default, int | float) and not isinstance(parameter.default, bool)
    }  # fmt: skip
    free = {
        key for key in numbers - set(LIMITED) if "multiple of the tick" not in OURS[key].meaning
    }
    assert free == {("champion", "lookback_s")}, "its limit is another parameter"
    assert len(LIMITED) > 50


@pytest.mark.parametrize(("policy", "parameter"), LIMITED, ids=map(":".join, LIMITED))
def test_what_is_outside_the_range_that_is_told_is_refused(policy, parameter, make_context):
    low, high = limits(LIMITED[policy, parameter])
    for value in [low - 0.01, *([] if high is None else [high + 0.01])]:
        with pytest.raises(PolicyError) as refused:
            create(parse_spec(f"{policy}:{parameter}={value}"), make_context())
        assert parameter in refused.value.what


def test_lines_that_are_broken_are_joined_and_other_sections_left_out():
    def made(context, first, second, third):
        """Makes one.

        Args:
            context: where.
            first: goes on
                in the next line: to its end.

            second: short.

        Raises:
            third: is no parameter here.
        """

    assert meanings(made) == {
        "context": "where.", "first": "goes on in the next line: to its end.", "second": "short.",
    }  # fmt: skip
    assert meanings(lambda context: None) == {}

"""Quantities are written as Kubernetes reads them."""

import pytest

from engine.manifests.names import cores, gib, label, quantity, slugs


@pytest.mark.parametrize(
    ("text", "value"),
    [("2", 2.0), ("500m", 0.5), ("1.5", 1.5), ("4Gi", 4 * 2**30), ("1e3", 1000.0),
     ("128Mi", 2**27), ("2k", 2000.0), ("100u", 1e-4), (3, 3.0), ("-1", -1.0)],
)  # fmt: skip
def test_a_quantity_is_a_number(text, value):
    assert quantity(text) == pytest.approx(value)


@pytest.mark.parametrize("text", ["", "lots", "4GB", "1.2.3", "Gi", None])
def test_what_is_no_quantity_has_no_number(text):
    assert quantity(text) is None


@pytest.mark.parametrize(("value", "text"), [(2.0, "2"), (0.5, "500m"), (2.5, "2500m")])
def test_cores_are_whole_or_thousandths(value, text):
    assert cores(value) == text


@pytest.mark.parametrize(("value", "text"), [(4.0, "4Gi"), (0.5, "512Mi"), (1.5, "1536Mi")])
def test_memory_is_whole_or_in_mebibytes(value, text):
    assert gib(value) == text


def test_names_are_labels_of_at_most_63_characters_each_its_own():
    made = slugs(["x" * 100, "x" * 100, "A_b", "---"])
    assert made[0] != made[1]
    assert all(0 < len(name) <= 63 for name in made)
    assert made[2:] == ["a-b", "pool"]
    assert label("eu/west 4!") == "eu-west-4"

"""The theme can be read by everybody and comes from this machine; computed from config.toml."""

import math
import tomllib
from itertools import combinations, pairwise
from pathlib import Path

import pytest
from streamlit import config as streamlit_config

from app.charts.base import RUNS_MAX

ROOT = Path(__file__).resolve().parents[2]
OPTIONS = tomllib.loads((ROOT / ".streamlit" / "config.toml").read_text("utf-8"))
SCHEMES = ("light", "dark")
HUES = ("red", "orange", "yellow", "blue", "green", "violet", "gray")
WHITE = "#FFFFFF"
TEXT_MIN, MARK_MIN = 4.5, 3.0
"""Contrast of text and of what a chart draws: WCAG 2.2, 1.4.3 and 1.4.11."""
CAPTION_OPACITY = 0.6
"""Streamlit 1.67 draws captions and placeholders in the text colour at this opacity."""


def channels(colour: str) -> tuple[float, ...]:
    return tuple(int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5))


def luminance(colour: str) -> float:
    """Relative luminance, 0 to 1, as WCAG 2.2 defines it."""
    linear = [
        c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels(colour)
    ]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    """1 (the same) to 21 (black on white)."""
    darker, lighter = sorted((luminance(one), luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


def blend(colour: str, below: str, opacity: float) -> str:
    mixed = [
        opacity * c + (1 - opacity) * b
        for c, b in zip(channels(colour), channels(below), strict=True)
    ]
    return "#" + "".join(f"{round(255 * m):02X}" for m in mixed)


def text_pairs(theme: dict[str, str]) -> dict[str, tuple[str, str]]:
    """Every (text, background) that Streamlit draws with this theme, by name."""
    pairs = {}
    for ground in ("backgroundColor", "secondaryBackgroundColor"):
        below = theme[ground]
        pairs[f"body on {ground}"] = (theme["textColor"], below)
        pairs[f"link on {ground}"] = (theme["linkColor"], below)
        pairs[f"caption on {ground}"] = (
            blend(theme["textColor"], below, CAPTION_OPACITY),
            below,
        )
        for hue in HUES:
            pairs[f"{hue} on {ground}"] = (theme[f"{hue}TextColor"], below)
    for hue in HUES:
        pairs[f"{hue} badge"] = (theme[f"{hue}TextColor"], theme[f"{hue}BackgroundColor"])
    pairs["code"] = (theme["codeTextColor"], theme["codeBackgroundColor"])
    pairs["table header"] = (
        theme["dataframeHeaderTextColor"],
        theme["dataframeHeaderBackgroundColor"],
    )
    pairs["primary button"] = (WHITE, theme["primaryColor"])
    return pairs


def flat(table: dict, prefix: str = "") -> list[str]:
    """Dotted option names."""
    names = []
    for key, value in table.items():
        names += flat(value, f"{prefix}{key}.") if isinstance(value, dict) else [prefix + key]
    return names


def test_contrast_is_the_one_of_the_standard():
    assert contrast("#000000", WHITE) == pytest.approx(21)
    assert contrast("#767676", WHITE) == pytest.approx(4.54, abs=0.005)


@pytest.mark.parametrize("scheme", SCHEMES)
def test_text_can_be_read(scheme):
    pairs = text_pairs(OPTIONS["theme"][scheme])
    weak = {name: round(contrast(*p), 2) for name, p in pairs.items() if contrast(*p) < TEXT_MIN}
    assert weak == {}


@pytest.mark.parametrize("scheme", SCHEMES)
def test_chart_colours_and_state_marks_stand_out(scheme):
    """Against the page and the panel: lines, icons, and the accent of an active tab or slider."""
    theme = OPTIONS["theme"][scheme]
    marks = [*theme["chartCategoricalColors"], theme["primaryColor"]]
    marks += [theme[f"{hue}Color"] for hue in HUES]
    grounds = (theme["backgroundColor"], theme["secondaryBackgroundColor"])
    weak = [(m, g) for m in marks for g in grounds if contrast(m, g) < MARK_MIN]
    assert weak == []


def lab(colour: str) -> tuple[float, float, float]:
    """CIE L*a*b* of an sRGB colour under D65."""
    r, g, b = (
        c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels(colour)
    )
    whole = (
        (0.4124564 * r + 0.3575761 * g + 0.1804375 * b) / 0.95047,
        0.2126729 * r + 0.7151522 * g + 0.0721750 * b,
        (0.0193339 * r + 0.1191920 * g + 0.9503041 * b) / 1.08883,
    )
    x, y, z = (v ** (1 / 3) if v > 216 / 24389 else v * 841 / 108 + 4 / 29 for v in whole)
    return 116 * y - 16, 500 * (x - y), 200 * (y - z)


@pytest.mark.parametrize("scheme", SCHEMES)
def test_runs_and_states_of_capacity_have_a_colour_each(scheme):
    """A CIE76 distance of 20 is plain at a glance; line styles and areas tell them apart too."""
    colours = OPTIONS["theme"][scheme]["chartCategoricalColors"]
    assert len(colours) == RUNS_MAX + 3
    close = [
        (one, other)
        for one, other in combinations(colours, 2)
        if math.dist(lab(one), lab(other)) < 20
    ]
    assert close == []


@pytest.mark.parametrize("scheme", SCHEMES)
def test_sequential_colours_run_one_way_from_faint_to_strong(scheme):
    theme = OPTIONS["theme"][scheme]
    steps = [contrast(c, theme["backgroundColor"]) for c in theme["chartSequentialColors"]]
    assert len(steps) == 10  # Streamlit falls back to its own with any other number
    assert all(weaker < stronger for weaker, stronger in pairwise(steps))


def test_diverging_colours_are_palest_in_the_middle():
    shades = [luminance(c) for c in OPTIONS["theme"]["chartDivergingColors"]]
    assert len(shades) == 10
    assert shades[:5] == sorted(shades[:5])
    assert shades[5:] == sorted(shades[5:], reverse=True)


def test_light_and_dark_define_the_same_colours():
    light, dark = (OPTIONS["theme"][scheme] for scheme in SCHEMES)
    assert set(light) == set(dark)


def test_streamlit_knows_every_option():
    known = set(streamlit_config.get_config_options())
    assert [name for name in flat(OPTIONS) if name not in known] == []


def test_every_font_is_a_local_file_with_its_licence():
    for face in OPTIONS["theme"]["fontFaces"]:
        assert (ROOT / face["url"]).read_bytes()[:4] == b"wOF2"
        licence = ROOT / "app" / "static" / f"OFL-{face['family'].replace(' ', '')}.txt"
        assert "SIL OPEN FONT LICENSE" in licence.read_text("utf-8")


def test_the_server_is_private_by_default():
    assert OPTIONS["server"]["address"] == "127.0.0.1"
    assert OPTIONS["browser"]["gatherUsageStats"] is False
    assert OPTIONS["client"]["showErrorDetails"] == "none"

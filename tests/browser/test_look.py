"""The theme as a browser paints it: our colours, our fonts, light and dark."""

import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
THEME = tomllib.loads((ROOT / ".streamlit" / "config.toml").read_text("utf-8"))["theme"]
LOADED_FONTS = (
    "document.fonts.ready.then(() => "
    "[...document.fonts].filter(f => f.status == 'loaded').map(f => f.family))"
)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_page_has_our_colours_and_fonts(server, open_page, settle, shot, scheme):
    page = open_page(server.url, color_scheme=scheme)
    settle(page)
    app = page.get_by_test_id("stApp")
    painted = app.evaluate("e => getComputedStyle(e).backgroundColor")
    wanted = bytes.fromhex(THEME[scheme]["backgroundColor"][1:])
    assert painted == f"rgb({', '.join(map(str, wanted))})"
    assert "Inter" in page.evaluate(LOADED_FONTS)
    assert shot(page, f"first-page-{scheme}").stat().st_size > 10_000

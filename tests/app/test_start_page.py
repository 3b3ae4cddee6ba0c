"""A first-time visitor learns what this is and gets to a finished comparison in one click."""

from tests.app.conftest import text_of


def test_one_click_opens_the_finished_comparison(store, open_page):
    page = open_page("start")
    page.button(key="start_demo").click().run()
    assert not page.exception
    assert page.title[0].value == "Compare"
    assert len(page.query_params["runs"].split(",")) == 4
    assert page.query_params["baseline"] == page.query_params["runs"].split(",")[0]
    assert "static" in text_of(page)

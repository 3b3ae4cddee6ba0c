"""Traces: listed, looked at, loaded from files good and bad, renamed and deleted with care."""

import pytest

from app import load, words
from app.jobs import Job
from engine.planner import Planner
from tests.app.conftest import text_of

GOOD = b"when,prompt_size\n2024-03-01 10:00:00,100\n2024-03-01 10:00:03,120\n"
ODD = b"a,b\n1,x\n2,y\n4,z\n"


def wait_for_jobs(page):
    """Lets the worker finish, then shows what it did."""
    for job in load.board()._jobs.values():
        assert isinstance(job, Job)
        assert job.wait(30)
    page.run()
    assert not page.exception


def names(page) -> list[str]:
    return list(page.dataframe[0].value["name"])


def upload(page, name: str, content: bytes):
    page.file_uploader(key="traces_upload").upload(name, content).run()
    assert not page.exception


def test_samples_are_listed_and_the_newest_is_looked_at(store, open_page):
    page = open_page("traces")
    assert len(names(page)) == 6
    assert page.selectbox(key="traces_pick").value is not None
    assert {metric.label for metric in page.metric} >= {"Rows", "Mean rate", "Dispersion (10 s)"}


def test_an_address_opens_a_trace_and_an_unknown_one_says_so(store, open_page):
    with Planner(store) as planner:
        trace_id = planner.trace("bursty").trace_id
    page = open_page("traces", trace=trace_id)
    assert page.selectbox(key="traces_pick").value == trace_id
    assert words.TRACE_UNKNOWN in text_of(open_page("traces", trace="ffffffffffff"))


def test_an_upload_is_previewed_imported_and_offered(store, open_page):
    page = open_page("traces")
    upload(page, "mine.csv", GOOD)
    assert any("when → Time" in table.value for table in page.dataframe)
    page.button(key="traces_import").click().run()
    wait_for_jobs(page)
    assert "**mine** is stored: 2 rows." in text_of(page)
    page.button(key="traces_look").click().run()
    assert "mine" in names(page)


def test_a_file_is_imported_by_its_path_under_another_name(store, open_page, tmp_path):
    path = tmp_path / "there.csv"
    path.write_bytes(GOOD)
    page = open_page("traces")
    page.segmented_control(key="traces_way").set_value("File on this machine").run()
    page.text_input(key="traces_path").set_value(str(path)).run()
    page.text_input(key="traces_name").set_value("renamed").run()
    page.button(key="traces_import").click().run()
    wait_for_jobs(page)
    with_other_name = text_of(page)
    assert "**renamed** is stored" in with_other_name


def test_columns_that_cannot_be_guessed_are_mapped_by_hand(store, open_page):
    page = open_page("traces")
    upload(page, "odd.csv", ODD)
    path = page.session_state["traces_file"][1]
    page.selectbox(key=f"traces_map_requests_arrival_{path}").set_value("a").run()
    page.selectbox(key=f"traces_map_requests_agent_type_{path}").set_value("b").run()
    assert not page.exception
    page.button(key="traces_import").click().run()
    wait_for_jobs(page)
    assert "**odd** is stored: 3 rows." in text_of(page)
    with_types = load.planner().trace("odd").profile["agent_type"]
    assert with_types["names"] == 3


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("empty.csv", b"", "The file is empty"),
        ("noise.parquet", b"\x00\x01\x02 not parquet", "zero bytes"),
        ("cut.csv.gz", b"\x1f\x8b\x08\x00\x00", "cut.csv.gz"),
    ],
)
def test_a_malformed_file_says_what_where_and_how_to_fix_it(store, open_page, name, content, told):
    page = open_page("traces")
    before = names(page)
    upload(page, name, content)
    panel = page.error[0]
    assert told in f"{panel.proto.title} {panel.value}".replace("\\", "")
    assert words.WHERE in panel.value
    assert words.FIX in panel.value
    assert names(page) == before


def test_a_path_that_leads_nowhere_says_so(store, open_page):
    page = open_page("traces")
    page.segmented_control(key="traces_way").set_value("File on this machine").run()
    page.text_input(key="traces_path").set_value("/nowhere/at/all.csv").run()
    assert not page.exception
    assert "no such file" in page.error[0].proto.title


def test_a_trace_is_made_up_from_a_seed(store, open_page):
    page = open_page("traces")
    page.segmented_control(key="traces_way").set_value("Make one up").run()
    page.number_input(key="traces_hours").set_value(0.1)
    page.text_input(key="traces_synth_name").set_value("tiny")
    page.button(key="traces_synth_go").click().run()
    wait_for_jobs(page)
    assert "**tiny** is stored" in text_of(page)
    assert load.planner().trace("tiny").duration_s < 360


def test_a_stored_trace_is_changed_step_by_step_and_keeps_its_recipe(store, open_page):
    page = open_page("traces")
    page.segmented_control(key="traces_way").set_value("Change a stored one").run()
    page.selectbox(key="derive_from").set_value(load.planner().trace("bursty").trace_id).run()
    page.button(key="derive_add").click().run()
    page.selectbox(key="derive_step").set_value("crowd").run()
    page.number_input(key="derive_crowd_at_s").set_value(600.0)
    page.button(key="derive_add").click().run()
    page.text_input(key="derive_name").set_value("busier")
    page.button(key="derive_go").click().run()
    wait_for_jobs(page)
    made = load.planner().trace("busier")
    assert [step["do"] for step in made.recipe["steps"]] == ["scale", "crowd"]
    assert made.recipe["derived_from"] == "bursty"
    rows = load.planner().traces().set_index("name")["row_count"]
    assert rows["busier"] > 2 * rows["bursty"]


def test_deleting_asks_first_and_refuses_while_runs_refer_to_the_trace(store, open_page):
    with Planner(store) as planner:
        trace_id = planner.trace("chat_two_flash_crowds").trace_id
    page = open_page("traces", trace=trace_id)
    page.button(key="traces_delete").click().run()
    assert "for good?" in text_of(page)
    assert len(names(page)) == 6


def test_carbon_and_prices_are_shown_but_not_offered_for_replay(store, open_page, tmp_path):
    path = tmp_path / "grid.csv"
    hours = "".join(f"2024-03-01 {hour:02d}:00:00,{200 + hour}\n" for hour in range(24))
    path.write_text(f"datetime,carbon_intensity\n{hours}")
    with Planner(store) as planner:
        made = planner.import_path(path)
    page = open_page("traces", trace=made.trace_id)
    assert not [button for button in page.button if button.key == "traces_replay"]


def test_a_trace_without_profile_is_shown_all_the_same(store, open_page):
    with Planner(store) as planner, planner._store.transaction() as cursor:
        cursor.execute("UPDATE traces SET profile = '{}', report = '[]' WHERE name = 'growth'")
    page = open_page("traces", trace=load.planner().trace("growth").trace_id)
    assert words.REPORT_CLEAN in text_of(page)


def test_an_empty_store_offers_to_add_one(no_samples, open_page):
    page = open_page("traces")
    assert words.TRACES_EMPTY in text_of(page)
    assert page.file_uploader(key="traces_upload")

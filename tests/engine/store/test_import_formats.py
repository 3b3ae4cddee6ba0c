"""Every format is recognised by its content and read to the values its source means."""

from pathlib import Path

import numpy as np
import pytest

from engine.errors import TraceError, UsageError
from engine.store.duck import Store
from engine.store.traces import (
    ImportOptions,
    Mapping,
    find_trace,
    import_path,
    load_carbon,
    load_prices,
    load_requests,
    load_series,
    preview,
)  # fmt: skip
from engine.trace.schema import Kind, Severity
from tests.engine.store import samples
from tests.engine.store.samples import FORMATS

pytestmark = pytest.mark.slow


@pytest.fixture
def store(store_path):
    with Store(store_path) as opened:
        yield opened


def imported(store: Store, folder: Path, name: str, data: bytes, **options: object):
    (folder / name).write_bytes(data)
    result = import_path(store, folder / name, **options)
    return find_trace(store, result.trace_id)


def sample(store: Store, folder: Path, name: str, **options: object):
    return imported(store, folder, *FORMATS[name], **options)


def rules(info):
    return {finding.rule: finding for finding in info.report}


def entities(store, info):
    with store.cursor() as cursor:
        return cursor.execute(
            "SELECT entity, t_s, value, imputed FROM series WHERE trace_no = ? "
            "ORDER BY entity, t_s",
            [info.trace_no],
        ).fetchall()


@pytest.mark.parametrize("expected", FORMATS)
def test_a_format_is_detected_whatever_the_file_is_called(tmp_path, expected):
    _, data = FORMATS[expected]
    path = tmp_path / ("renamed_traces" if expected == "servegen" else "renamed")
    path.write_bytes(data)
    assert preview(path).format == expected


@pytest.mark.parametrize("pack", [samples.as_gzip, samples.as_zstd])
@pytest.mark.parametrize("expected", sorted(set(FORMATS) - {"bitbrains_parquet", "servegen"}))
def test_an_archive_gives_the_same_trace(store, tmp_path, expected, pack):
    name, data = FORMATS[expected]
    plain = sample(store, tmp_path, expected)
    packed = tmp_path / f"{name}.packed"
    packed.write_bytes(pack(data))
    options = ImportOptions(region=name.split("_")[0]) if plain.kind is Kind.CARBON else None
    again = import_path(store, packed, options=options)
    assert (again.trace_id, again.existed) == (plain.trace_id, True)


def test_azure_requests(store, tmp_path):
    info = sample(store, tmp_path, "azure_llm")
    table = load_requests(store, info)
    assert info.kind is Kind.REQUESTS
    assert info.epoch_s == pytest.approx(1700158546.68059, abs=1e-6)
    assert table.arrival_s.tolist() == [0.0, 4.314579, 4.541877, 4.81941]
    assert table.input_tokens.tolist() == [374, 396, 879, 91]
    assert table.output_tokens.tolist() == [44, 109, 55, 16]
    assert "zone_assumed" in rules(info)


def test_azure_times_with_an_offset_are_turned_into_utc(store, tmp_path):
    info = imported(store, tmp_path, "a.csv", samples.AZURE_2024)
    assert info.epoch_s == pytest.approx(1715299200.00993, abs=1e-6)
    assert load_requests(store, info).arrival_s.tolist() == [0.0, 0.507405]
    assert "zone_assumed" not in rules(info)


def test_an_offset_that_changes_in_the_file_is_followed(store, tmp_path):
    data = (
        b"TIMESTAMP,ContextTokens,GeneratedTokens\n"
        b"2024-10-27 00:59:59+01:00,1,2\n2024-10-27 00:00:00+00:00,3,4\n"
    )
    assert load_requests(store, imported(store, tmp_path, "a.csv", data)).arrival_s.tolist() == [
        0.0, 1.0,
    ]  # fmt: skip


def test_burstgpt_requests(store, tmp_path):
    table = load_requests(store, sample(store, tmp_path, "burstgpt"))
    assert table.arrival_s.tolist() == [0.0, 40.0, 113.0]
    assert [table.agent_types[code] for code in table.agent_type] == [
        "ChatGPT",
        "GPT-4",
        "ChatGPT",
    ]
    assert table.output_tokens.tolist() == [18, 230, 276]


def test_burstgpt_with_sessions_and_elapsed_time(store, tmp_path):
    data = (
        b"Timestamp,Session ID,Elapsed time,Model,Request tokens,Response tokens,Total tokens,"
        b"Log Type\n5,3,2.5,GPT-4,1,2,3,API log\n6,4,1.5,GPT-4,1,2,3,API log\n"
    )
    table = load_requests(store, imported(store, tmp_path, "a.csv", data))
    assert table.service_s.tolist() == [2.5, 1.5]
    assert table.session.tolist() == [0, 1]


def test_mooncake_times_are_milliseconds(store, tmp_path):
    table = load_requests(store, sample(store, tmp_path, "mooncake"))
    assert table.arrival_s.tolist() == [0.0, 0.0, 3.0]
    assert table.input_tokens.tolist() == [6758, 7322, 100]


def test_mooncake_as_one_json_array(store, tmp_path):
    lines = samples.MOONCAKE.decode().splitlines()
    array = ("[" + ",\n".join(lines) + "]").encode()
    one = imported(store, tmp_path, "lines.jsonl", samples.MOONCAKE)
    assert imported(store, tmp_path, "array.json", array).trace_id == one.trace_id


def test_agent_sessions_are_chained(store, tmp_path):
    """Main loop in order; the sub-agent starts when the main request before it ends."""
    info = sample(store, tmp_path, "agent_sessions")
    table = load_requests(store, info)
    first = np.flatnonzero(table.session == 0)
    start_s = table.arrival_s[first[0]]
    assert info.kind is Kind.SESSIONS
    assert (table.arrival_s[first] - start_s).tolist() == [0.0, 20.0, 30.0, 40.0, 60.0]
    position = {int(row): n for n, row in enumerate(first)}
    after = [position.get(int(table.after[row]), -1) for row in first]
    assert after == [-1, 0, 1, 0, 3]
    # 20 − (0 + 5), 30 − (20 + 2), 40 − (0 + 5), and 60 − 40 because its service is unknown.
    assert table.think_s[first].tolist() == [0.0, 15.0, 8.0, 35.0, 20.0]
    assert np.isnan(table.service_s[first[3]])
    assert table.prefix_tokens[first].tolist() == [0, 0, 320, 1024, 1152]


def test_recorded_service_times_give_the_recorded_arrivals(store, tmp_path):
    table = load_requests(store, sample(store, tmp_path, "agent_sessions"))
    waits = np.flatnonzero(table.after >= 0)
    before = table.after[waits]
    met = table.arrival_s[before] + np.nan_to_num(table.service_s[before]) + table.think_s[waits]
    assert np.allclose(met, table.arrival_s[waits])
    assert (before < waits).all()


def test_session_starts_are_drawn_from_the_seed_and_recorded(store, tmp_path):
    def starts(**options):
        info = sample(store, tmp_path, "agent_sessions", options=ImportOptions(**options))
        return info, load_requests(store, info).arrival_s[-1]

    (info, usual), (_, again) = starts(), starts()
    assert usual == again
    assert info.recipe == {
        "session_arrivals": "poisson", "sessions_per_hour": 60.0, "seed": 0,
    }  # fmt: skip
    assert "60 sessions/h, seed 0" in rules(info)["session_arrivals_drawn"].what
    reseeded, _ = starts(seed=1)
    rarer, _ = starts(sessions_per_hour=0.5)
    assert len({info.trace_id, reseeded.trace_id, rarer.trace_id}) == 3


def test_mapped_sessions_wait_as_given(store, tmp_path):
    data = b"ts,conversation,think_s,service_s\n10,a,,1\n11,b,,1\n20,a,5,2\n40,a,6,1\n"
    info = imported(store, tmp_path, "a.csv", data)
    table = load_requests(store, info)
    assert info.kind is Kind.SESSIONS
    assert table.after.tolist() == [-1, -1, 0, 2]
    assert table.think_s.tolist() == [0.0, 0.0, 5.0, 6.0]
    assert table.arrival_s.tolist() == [0.0, 1.0, 10.0, 30.0]


def test_servegen_windows_become_exactly_the_requests_they_count(store, tmp_path):
    (tmp_path / "m_token_pdfs.csv").write_bytes(samples.TOKEN_PDFS)
    info = sample(store, tmp_path, "servegen", options=ImportOptions(to_s=1200.0))
    table = load_requests(store, info)
    assert len(table) == 300 + 150 + 600
    assert set(table.output_tokens[table.tenant == table.tenants.index("client 9")]) == {30}
    assert info.recipe["tokens"] == "m_token_pdfs.csv"
    shorter = sample(store, tmp_path, "servegen", options=ImportOptions(to_s=600.0))
    assert len(load_requests(store, shorter)) == 450


def test_azure_vm_readings(store, tmp_path):
    info = sample(store, tmp_path, "azure_vm_cpu")
    assert (info.kind, info.unit, info.interval_s) == (Kind.SERIES, "cpu_percent", 300.0)
    assert entities(store, info) == [
        ("abc==", 0.0, 5.0, False), ("abc==", 300.0, 6.0, False), ("abc==", 600.0, 7.0, False),
        ("def==", 0.0, 20.0, False), ("def==", 300.0, 40.0, False),
    ]  # fmt: skip
    assert load_series(store, info).value.tolist() == [25.0, 46.0, 7.0]


def test_bitbrains_stamps_are_seconds_despite_their_header(store, tmp_path):
    info = sample(store, tmp_path, "bitbrains")
    assert info.epoch_s == 1376314846
    assert info.interval_s == 300.0
    assert [row[2:] for row in entities(store, info)] == [
        (10912.0, False), (10890.5, False), (10662.5, True), (10434.5, False),
    ]  # fmt: skip
    assert rules(info)["time_unit_guessed"].severity is Severity.NOTE
    assert rules(info)["gaps"].count == 1


def test_run_lengths_are_expanded_backwards(store, tmp_path):
    info = sample(store, tmp_path, "bitbrains_parquet")
    assert info.epoch_s == 1376314846
    assert load_series(store, info).value.tolist() == [10.0, 4.0, 4.0, 4.0]
    assert rules(info)["run_length"].count == 1


def test_google_usage_is_charged_by_its_share_of_the_window(store, tmp_path):
    info = sample(store, tmp_path, "google2011")
    assert (info.unit, info.interval_s) == ("cores", 300.0)
    assert entities(store, info) == [
        ("329150663", 0.0, 1.0, False),
        ("4155527081", 0.0, 0.25 + 0.5 / 2, False), ("4155527081", 300.0, 0.75, False),
    ]  # fmt: skip


def test_alibaba_marks_for_faults_are_interpolated(store, tmp_path):
    info = sample(store, tmp_path, "alibaba")
    assert entities(store, info)[2] == ("m_1932", 20.0, 45.0, True)
    assert rules(info)["absurd_values"].row == 3
    assert load_series(store, info).value.tolist()[:2] == [51.0, 55.0]


def test_values_may_be_negative_where_nobody_says_what_they_are(store, tmp_path):
    info = sample(store, tmp_path, "nab")
    assert (info.unit, info.interval_s) == ("value", 300.0)
    assert load_series(store, info).value.tolist() == [94.0, -56.5, 187.0]


def test_the_unit_of_bare_values_is_guessed_from_the_name_or_given(store, tmp_path):
    data = samples.NAB.replace(b"-56.5", b"56.5")
    guessed = imported(store, tmp_path, "rds_cpu_utilization.csv", data)
    assert guessed.unit == "cpu_percent"
    assert "unit_guessed" in rules(guessed)
    told = imported(store, tmp_path, "x.csv", data, options=ImportOptions(unit="requests"))
    assert told.unit == "requests"


def test_gaps_in_counts_are_filled_linearly_and_marked(store, tmp_path):
    info = sample(store, tmp_path, "counts")
    assert [row[1:] for row in entities(store, info)] == [
        (0.0, 2.0, False), (60.0, 11.0, False), (120.0, 14.0, True), (180.0, 17.0, True),
        (240.0, 20.0, False),
    ]  # fmt: skip
    assert rules(info)["gaps"].severity is Severity.REPAIRED
    assert info.profile["imputed"] == 2


def test_faulty_readings_in_a_series_are_replaced_visibly(store, tmp_path):
    values = [5, 6, -1, 8, "nan", 10, "", 12, 13, 14, 15, 16, 17, 18, 19, 20]
    data = b"period,count\n" + b"".join(
        b"1998-05-01 00:%02d:00,%s\n" % (n, str(v).encode()) for n, v in enumerate(values)
    )
    info = imported(store, tmp_path, "a.csv", data)
    assert load_series(store, info).value.tolist() == [float(n + 5) for n in range(16)]
    found = rules(info)
    assert [found[rule].row for rule in ("negative_values", "not_finite", "missing_values")] == [
        3, 5, 7,
    ]  # fmt: skip


def test_readings_out_of_order_and_twice_are_mended_visibly(store, tmp_path):
    stamps = [0, 1, 3, 2, 4, 4, 5, 6, 7, 8]
    data = b"period,count\n" + b"".join(b"1998-05-01 00:%02d:00,%d\n" % (t, t) for t in stamps)
    twice = data.replace(b"00:04:00,4\n", b"00:04:00,6\n", 1)
    info = imported(store, tmp_path, "a.csv", twice)
    assert load_series(store, info).value.tolist() == [0, 1, 2, 3, 5, 5, 6, 7, 8]
    found = rules(info)
    assert found["unsorted_times"].row == 4
    assert (found["duplicate_times"].row, found["duplicate_times"].count) == (5, 1)


def test_readings_beside_the_grid_are_moved_to_it(store, tmp_path):
    seconds = [0, 60, 127, 180, 240, 300]
    data = b"timestamp,value\n" + b"".join(b"%d,%d\n" % (10**9 + s, s) for s in seconds)
    info = imported(store, tmp_path, "a.csv", data)
    assert load_series(store, info).t_s.tolist() == [0, 60, 120, 180, 240, 300]
    assert rules(info)["irregular_times"].row == 3


def test_entities_keep_their_phase_on_one_grid(store, tmp_path):
    """Two machines read half an interval apart are summed slot by slot, without false gaps."""
    rows = [b"a,%d,1\n" % (60 * n) for n in range(5)] + [
        b"b,%d,2\n" % (60 * n + 29) for n in range(5)
    ]
    info = imported(store, tmp_path, "a.csv", b"host,ts,cpu\n" + b"".join(rows))
    assert load_series(store, info).value.tolist() == [3.0] * 5
    assert "gaps" not in rules(info)


def test_a_nearly_empty_generation_mix_is_a_fault_of_collection(store, tmp_path):
    info = sample(store, tmp_path, "carbon_eia")
    table = load_carbon(store, info)["PJM"]
    assert table.value.tolist() == [340.0, 344.0, 337.0, 338.0, 339.0, 339.0]
    assert rules(info)["empty_mix"].row == 4
    assert info.epoch_s == 1640995200
    assert (info.unit, info.interval_s) == ("g_per_kwh", 3600.0)


def test_carbon_exports_name_their_zones(store, tmp_path):
    info = imported(store, tmp_path, "export.csv", samples.EMAPS_EXPORT)
    carbon = load_carbon(store, info)
    assert list(carbon) == ["DE", "FR"]
    assert carbon["DE"].value.tolist() == [195.1, 190.4]
    assert "direct" in rules(info)["intensity_chosen"].what
    other = imported(
        store, tmp_path, "export2.csv", samples.EMAPS_EXPORT,
        mapping=Mapping.parse("carbon=Carbon intensity gCO₂eq/kWh (Life cycle)"),
    )  # fmt: skip
    assert load_carbon(store, other)["FR"].value.tolist() == [40.1, 41.2]


def test_older_carbon_exports_are_read_too(store, tmp_path):
    info = imported(store, tmp_path, "export.csv", samples.EMAPS_OLDER)
    assert info.format == "carbon_emaps"
    assert load_carbon(store, info)["US-CAL-CISO"].value.tolist() == [180.5, 185.5]


def test_the_region_is_the_files_first_word_or_as_told(store, tmp_path):
    assert list(load_carbon(store, sample(store, tmp_path, "carbon_emaps"))) == ["NL"]
    told = sample(store, tmp_path, "carbon_emaps", options=ImportOptions(region="eu-west"))
    assert list(load_carbon(store, told)) == ["eu-west"]
    assert "region_guessed" not in rules(told)


def test_generic_carbon_is_recognised_by_its_unit(store, tmp_path):
    data = b"time,gCO2/kWh,zone\n2021-01-01T00:00,400,SE\n2021-01-01T01:00,300,SE\n"
    info = imported(store, tmp_path, "a.csv", data)
    assert (info.kind, info.format) == (Kind.CARBON, "generic")
    assert load_carbon(store, info)["SE"].value.tolist() == [400.0, 300.0]


def test_prices(store, tmp_path):
    prices = load_prices(store, sample(store, tmp_path, "prices_gcp"))
    first = prices[prices.machine_type == "a2-highgpu-1g"].iloc[0]
    assert (first.usd_per_hour, first.usd_per_hour_spot, first.gpu_count) == (4.0, 1.0, 1)
    assert prices.usd_per_hour.isna().sum() == 1


def test_price_history_holds_from_its_date_and_the_last_version_wins(store, tmp_path):
    info = imported(store, tmp_path, "a.csv", samples.PRICE_HISTORY)
    prices = load_prices(store, info)
    assert prices.t_s.tolist() == [0.0, 5 * 86400.0]
    assert prices.usd_per_hour.tolist() == [0.2, 0.26]
    assert info.epoch_s == 1644364800
    assert rules(info)["duplicate_rows"].count == 1


def test_generic_prices_need_no_region(store, tmp_path):
    data = b"instance_type,price_per_hour,vcpus\nm5.large,0.096,2\nm5.xlarge,0.192,4\n"
    prices = load_prices(store, imported(store, tmp_path, "a.csv", data))
    assert prices.usd_per_hour.tolist() == [0.096, 0.192]
    assert prices.region.tolist() == ["", ""]


def test_our_own_tables_keep_their_time_zero(store, tmp_path):
    info = sample(store, tmp_path, "smartscale")
    table = load_requests(store, info)
    assert table.arrival_s.tolist() == [0.5, 1.5, 4.25]
    assert table.after.tolist() == [-1, -1, 0]
    assert table.think_s.tolist() == [0.0, 0.0, 2.25]
    assert info.kind is Kind.SESSIONS


def test_semicolons_tabs_and_bars_separate_too(store, tmp_path):
    made = {
        imported(store, tmp_path, f"{n}.csv", samples.AZURE.replace(b",", mark)).trace_id
        for n, mark in enumerate([b",", b";", b"\t", b"|"])
    }
    assert len(made) == 1


def test_a_format_that_is_unknown_or_does_not_fit_is_explained(store, tmp_path):
    with pytest.raises(UsageError, match="azure_llm"):
        sample(store, tmp_path, "azure_llm", format="azure_lm")
    with pytest.raises(TraceError, match="request_tokens"):
        sample(store, tmp_path, "azure_llm", format="burstgpt")

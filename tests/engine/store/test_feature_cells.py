"""What a series file says besides its value: kept by interval, in units of the registry."""

import pytest

from engine.store.duck import Store
from engine.store.traces import delete_trace, find_trace, import_path
from tests.engine.store import samples
from tests.engine.store.samples import FORMATS


@pytest.fixture
def store(store_path):
    with Store(store_path) as opened:
        yield opened


def imported(store, folder, name, data):
    (folder / name).write_bytes(data)
    return find_trace(store, import_path(store, folder / name).trace_id)


def sample(store, folder, name):
    return imported(store, folder, *FORMATS[name])


def features(store, info):
    """By name, with the time."""
    with store.cursor() as cursor:
        rows = cursor.execute(
            "SELECT feature, t_s, value FROM series_features WHERE trace_no = ? "
            "ORDER BY feature, t_s", [info.trace_no],
        ).fetchall()  # fmt: skip
    return {name: [(t_s, value) for of, t_s, value in rows if of == name] for name, _, _ in rows}


def test_what_a_bitbrains_file_says_besides_its_value_is_kept_in_the_registrys_units(
    store, tmp_path
):
    found = features(store, sample(store, tmp_path, "bitbrains"))
    assert set(found) == {
        "cpu_mean", "cpu_provisioned", "mem_used", "mem_provisioned", "disk_read", "disk_write",
        "net_rx", "net_tx",
    }  # fmt: skip
    assert found["cpu_mean"] == [(0.0, 0.932), (300.0, 0.93), (900.0, 0.891)]  # no gap is filled
    assert found["mem_provisioned"][0] == (0.0, 64.0)
    assert found["net_tx"][1][1] == pytest.approx(2.1 / 1024)


def test_features_of_machines_add_up_and_shares_do_not(store, tmp_path):
    found = features(store, sample(store, tmp_path, "azure_vm_cpu"))
    assert found == {"cpu_max": [(0.0, 0.3), (300.0, 0.5), (600.0, 0.09)]}
    found = features(store, sample(store, tmp_path, "alibaba"))
    assert found["disk_io_time"][0] == (0.0, 0.04)


def test_a_cell_that_is_no_number_leaves_its_feature_absent(store, tmp_path):
    data = samples.BITBRAINS.replace(b"6755624.0", b"n/k").replace(b"16.9", b"-1")
    found = features(store, imported(store, tmp_path, "odd.csv", data))
    assert [t_s for t_s, _ in found["mem_used"]] == [0.0, 900.0]
    assert [t_s for t_s, _ in found["disk_write"]] == [0.0, 900.0]


def test_a_deleted_trace_takes_its_features_along(store, tmp_path):
    info = sample(store, tmp_path, "bitbrains")
    delete_trace(store, info.trace_id)
    assert features(store, info) == {}

"""Allocators of one's own: what the list and the choice say when something is wrong with one."""

import pytest

from engine.claims import report
from engine.claims.experiments import CROWD, EXPERIMENTS, OWN, SEEDS
from engine.errors import CheckpointError, UsageError
from engine.learn import adapt_shelf as shelf
from engine.learn.checkpoint import BACK, WEIGHTS
from engine.store.duck import Store
from models.sac_options import STATE
from tests.engine.learn.copies import copy_shipped, put_in_use

KINDS = (shelf.PLAN, shelf.RESULT, shelf.CURVES)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "s.duckdb"


def begun(path, name):
    folder = shelf.folder_of(path, name)
    shelf.note_plan(folder, {"kind": "train"})
    shelf.add_curve(folder, {"episode": 1})
    return folder


def told(smartscale, path, *words):
    """What the command says, its lines joined."""
    ended = smartscale("--store", path, *words)
    return ended.code, " ".join((ended.out + ended.err).split())


@pytest.mark.parametrize("name", KINDS)
@pytest.mark.parametrize("content", ['{"kind": "tr', '"text"'])
def test_one_damaged_file_is_named_and_the_other_trainings_are_listed(
    smartscale, path, name, content
):
    put_in_use(path)
    folder = begun(path, "bad")
    (folder / name).write_text(content, "utf-8")
    code, said = told(smartscale, path, "allocators")
    assert code == 0
    assert "own train 0 it is so used" in said.replace("│", "")
    assert f"{name} cannot be read" in said
    assert f"({folder / name}). Put it back, or remove {folder}" in said
    document = smartscale("--store", path, "allocators", "--json").document
    assert [each["name"] for each in document["allocators"]] == ["own"]
    assert document["used"] == "own"
    assert [each["where"] for each in document["problems"]] == [str(folder / name)]
    with pytest.raises(CheckpointError, match="cannot be read"):
        shelf.find(path, "bad")


@pytest.mark.parametrize("content", ["{", "[]", "{}"])
def test_without_a_readable_choice_the_list_names_the_way_back(smartscale, path, content):
    put_in_use(path)
    (shelf.home(path) / shelf.PROMOTED).write_text(content, "utf-8")
    code, said = told(smartscale, path, "allocators")
    assert code == 0
    assert "own" in said
    assert "promoted.json cannot be read" in said
    assert BACK in said
    assert smartscale("--store", path, "allocators", "--json").document["used"] is None
    assert told(smartscale, path, "allocators", "use", "shipped")[0] == 0
    assert shelf.in_use(path) is None


def test_one_in_use_that_is_gone_stands_in_the_list(smartscale, path):
    (put_in_use(path) / WEIGHTS).unlink()
    code, said = told(smartscale, path, "allocators")
    assert code == 0
    assert "the allocator in use, 'own', is gone" in said
    assert BACK in said


def test_a_choice_that_cannot_be_made_says_why(smartscale, path):
    assert (
        "None was trained beside this store yet"
        in told(smartscale, path, "allocators", "use", "nope")[1]
    )
    begun(path, "half")
    ended = begun(path, "ended")
    shelf.note_result(ended, {"better": False, "verdict": "no episode was better"})
    code, said = told(smartscale, path, "allocators", "use", "nope")
    assert code == 2
    assert "Known: ended, half" in said
    assert "'half' is not finished" in told(smartscale, path, "allocators", "use", "half")[1]
    said = told(smartscale, path, "allocators", "use", "ended")[1]
    assert "'ended' is not better than what is used: no episode was better" in said


@pytest.mark.parametrize("name", ["shipped", "allocator", "allocator-1"])
def test_names_of_the_product_are_not_for_trainings(path, name):
    with pytest.raises(UsageError, match="comes with the product"):
        shelf.place_for(path, name)
    copy_shipped(shelf.folder_of(path, name))  # one of an older version can still be looked at
    shelf.note_plan(shelf.folder_of(path, name), {"kind": "train"})
    assert shelf.find(path, name).name == name


def test_a_training_whose_kept_state_is_cut_off_says_what_to_remove(path):
    folder = begun(path, "half")
    copy_shipped(folder)
    whole = (folder / WEIGHTS).read_bytes()
    (folder / STATE).write_bytes(whole[: len(whole) // 2])
    with pytest.raises(CheckpointError) as error:
        shelf.note_plan(folder, {"kind": "train"})
    assert error.value.where == str(folder / STATE)
    assert error.value.fix.startswith(f"Remove {folder}: ")


def test_claims_are_of_the_shipped_allocator_and_say_so(smartscale, path):
    put_in_use(path)
    document = smartscale("--store", path, "claims", "--json").document
    assert "shipped allocator" in document["conditions"]
    assert told(smartscale, path, "claims")[1].endswith(f"{document['conditions']}.")
    found = next(each for each in EXPERIMENTS if OWN in each.policies and each.demand == CROWD)
    with Store(path) as store:
        report._demand(store, CROWD, SEEDS[0])
        wanted = report._wanted(store, found, SEEDS[0])
    assert OWN in [str(spec) for spec in wanted.policies]

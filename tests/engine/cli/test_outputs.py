"""Places that cannot be written are wrong usage, and that is said before the work."""

import pytest

from engine.cli import outputs
from engine.errors import StoreError

FILES = [
    ("evaluate", "--trace", "t"), ("forecast", "evaluate", "--trace", "t"),
    ("tune", "hpa", "--trace", "t"), ("report", "a", "b"), ("reviews", "a"),
    ("manifests", "export"), ("manifests", "import", "x.yaml"),
    ("synth", "diurnal", "--duration", 60, "--rate", 1),
]  # fmt: skip
FOLDERS = [
    *(("train", part) for part in ("allocator", "lookahead", "sizer", "router")),
    ("forecast", "train"), ("study", "ablation"), ("study", "routing"),
]  # fmt: skip


@pytest.fixture
def no_work(monkeypatch):
    """Whatever opens a store or trains fails the test."""

    def work(*_, **__):
        raise AssertionError("the work began")

    for name in (
        "planner.Planner.__init__", "learn.life.train_allocator", "lookahead.fitting.train",
        "learn.size_training.train_sizer", "learn.route_life.train_router",
        "forecast.training.train", "learn.ablation.ablation", "learn.route_study.study",
        "manifests.to_yaml", "manifests.read", "trace.synth.generate",
    ):  # fmt: skip
        monkeypatch.setattr(f"engine.{name}", work)


@pytest.mark.parametrize("command", FILES)
def test_a_file_whose_folder_is_missing_is_refused_before_the_work(
    smartscale, tmp_path, no_work, command
):
    ended = smartscale(*command, "--out", tmp_path / "nowhere" / "made.md")
    assert (ended.code, ended.out) == (2, "")
    assert "Invalid value for '--out'" in ended.err
    assert "nowhere': No such file or directory" in ended.err
    assert not (tmp_path / "nowhere").exists()


@pytest.mark.parametrize("command", FOLDERS)
def test_a_folder_that_cannot_be_made_is_refused_before_the_work(
    smartscale, tmp_path, no_work, command
):
    (tmp_path / "file").touch()
    ended = smartscale(*command, "--out", tmp_path / "file" / "deep" / "net")
    assert (ended.code, ended.out) == (2, "")
    assert "file': Not a directory" in ended.err


@pytest.mark.parametrize("there", [True, False])
def test_rights_are_asked_of_what_is_there(smartscale, tmp_path, no_work, monkeypatch, there):
    place = tmp_path / "kept.md"
    if there:
        place.touch()
    asked = []
    monkeypatch.setattr(outputs.os, "access", lambda path, _: asked.append(path))
    ended = smartscale("evaluate", "--trace", "t", "--out", place)
    assert ended.code == 2
    assert "Permission denied" in ended.err
    assert asked == [place if there else tmp_path]


def test_a_folder_with_all_above_it_may_be_new(tmp_path):
    deep = tmp_path / "a" / "b" / "net"
    assert outputs.OUT_FOLDER.convert(str(deep), None, None) == deep
    assert not (tmp_path / "a").exists()


def test_a_place_that_is_lost_during_the_work_is_no_bug(tmp_path):
    with pytest.raises(StoreError, match="cannot be written: No such file"):
        outputs.write(tmp_path / "gone" / "made.md", "text")

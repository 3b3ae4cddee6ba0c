"""constraints.txt pins everything that an installation pulls in, within pyproject's ranges."""

import tomllib
from importlib.metadata import PackageNotFoundError, distributions, requires
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[2]


def pins() -> dict[str, str]:
    lines = (ROOT / "constraints.txt").read_text("utf-8").splitlines()
    pairs = (line.split("==") for line in lines if not line.startswith("#"))
    return {canonicalize_name(name): pin for name, pin in pairs}


def declared() -> list[Requirement]:
    file = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    project = file["project"]
    names = file["build-system"]["requires"] + project["dependencies"]
    return [Requirement(n) for n in names + project["optional-dependencies"]["dev"]]


def wanted_by(requirement: Requirement) -> list[Requirement]:
    """What an installed package requires here, for the extras that were asked for."""
    extras = requirement.extras or {""}
    try:
        texts = requires(requirement.name) or []
    except PackageNotFoundError:
        return []  # the missing pin is reported for the package itself
    found = [Requirement(text) for text in texts]
    return [
        r
        for r in found
        if r.marker is None or any(r.marker.evaluate({"extra": e}) for e in extras)
    ]


def closure() -> list[Requirement]:
    """Every requirement that is reached from pyproject.toml, each once."""
    queue, seen = declared(), {}
    while queue:
        requirement = queue.pop()
        if str(requirement) not in seen:
            seen[str(requirement)] = requirement
            queue += wanted_by(requirement)
    return list(seen.values())


def test_every_requirement_is_pinned_within_its_range():
    pinned = pins()
    wrong = [
        f"{r} is pinned to {pinned.get(canonicalize_name(r.name))}"
        for r in closure()
        if not r.specifier.contains(pinned.get(canonicalize_name(r.name), ""), prereleases=True)
    ]
    assert wrong == []


def test_the_tests_run_on_the_pinned_versions():
    # What follows a plus names the build, such as torch's for the CPU
    installed = {canonicalize_name(d.name): d.version.split("+")[0] for d in distributions()}
    pinned = pins()
    other = {n: v for n, v in installed.items() if pinned.get(n, v) != v}
    assert other == {}

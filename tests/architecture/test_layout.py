"""The tree is what the README says: a fixed top level, real packages, short files, no strays."""

import re
import subprocess
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("app", "engine", "models")
TOP_LEVEL = set(PACKAGES) | {
    "sample_traces",
    "tests",
    ".streamlit",
    ".ci",
    "pyproject.toml",
    "constraints.txt",
    "Makefile",
    "README.md",
    "LICENSE",
    ".gitignore",
}
LINES_MAX = 400
LONG_BY_DESIGN = {"engine/sim/kernel.py"}  # numba caches one file; see its docstring

FOLDERS = ("work", "opt", "root", "home", "mnt")
HOSTS = (
    ("pypi", "org"),
    ("pythonhosted", "org"),
    ("npmjs", "org"),
    ("npmjs", "com"),
    ("jsdelivr", "net"),
    ("unpkg", "com"),
    ("googleapis", "com"),
    ("gstatic", "com"),
)
# Put together here, so that this file does not hold what it looks for.
STRAYS = [f"/{folder}/" for folder in FOLDERS] + [".".join(parts) for parts in HOSTS]


def tracked() -> list[str]:
    """Every file that git knows, relative to the root."""
    listing = subprocess.run(
        ["git", "-c", "safe.directory=*", "ls-files", "-z"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    if not (ROOT / ".git").exists():
        pytest.skip("not a git checkout")
    assert listing.returncode == 0, listing.stderr
    return [name for name in listing.stdout.split("\0") if name and (ROOT / name).is_file()]


def packages_on_disk() -> set[str]:
    """Dotted names of the folders that hold Python modules."""
    modules = (path for name in PACKAGES for path in (ROOT / name).rglob("*.py"))
    return {".".join(path.parent.relative_to(ROOT).parts) for path in modules}


def test_the_top_level_holds_only_what_belongs_there():
    assert {name.split("/")[0] for name in tracked()} - TOP_LEVEL == set()


def test_every_package_folder_has_an_init_file():
    """Without one, import-linter skips the folder without a word."""
    folders = [ROOT / package.replace(".", "/") for package in packages_on_disk()]
    assert [folder for folder in folders if not (folder / "__init__.py").exists()] == []


def test_pyproject_lists_the_packages_on_disk():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    assert set(project["tool"]["setuptools"]["packages"]) == packages_on_disk()


def test_no_page_folder_or_module_shadows_a_package():
    """`streamlit run app/main.py` puts app/ first on the path."""
    shadows = ["pages", *(name + ".py" for name in ("engine", "models", "tests"))]
    assert [name for name in shadows if (ROOT / "app" / name).exists()] == []


def test_no_python_file_is_too_long():
    modules = [n for n in tracked() if n.endswith(".py") and n not in LONG_BY_DESIGN]
    lines = {name: len((ROOT / name).read_text("utf-8").splitlines()) for name in modules}
    assert {name: n for name, n in lines.items() if n > LINES_MAX} == {}


def test_no_file_names_another_machine_or_a_registry():
    """Folders of the author's machine and download hosts have no business in the tree."""
    pattern = re.compile("|".join(map(re.escape, STRAYS)).encode())
    found = {
        name: match.group().decode()
        for name in tracked()
        if (match := pattern.search((ROOT / name).read_bytes().lower()))
    }
    assert found == {}

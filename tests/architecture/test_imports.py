"""Imports point one way, and whoever imports the engine gets neither a screen nor a network."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[2]
SCREENS_AND_NETWORKS = ("streamlit", "altair", "plotly", "torch")

IMPORT_EVERYTHING = f"""
import importlib, pkgutil, sys
import engine

names = ["engine"] + [m.name for m in pkgutil.walk_packages(engine.__path__, "engine.")]
for name in names:
    if not name.endswith("__main__"):
        importlib.import_module(name)
        loaded = [f for f in {SCREENS_AND_NETWORKS} if f in sys.modules]
        if loaded:
            sys.exit(f"{{name}} loads {{', '.join(loaded)}}")
print(*names)
"""


LINT_IMPORTS = (
    "import sys; from importlinter import cli; sys.exit(cli.lint_imports(no_cache=True))"
)


def run_python(code: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """A fresh interpreter with `folder` first on its path."""
    return subprocess.run(
        [sys.executable, "-c", code],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_import_contracts_hold():
    result = run_python(LINT_IMPORTS, ROOT)
    assert result.returncode == 0, result.stdout + result.stderr


@pytest.mark.parametrize(
    ("file", "line", "contract"),
    [
        ("engine/units.py", "import streamlit", "no screen below app"),
        ("engine/errors.py", "import engine.store.duck", "engine data flow"),
        ("engine/brand_new.py", "", "engine data flow"),
        ("models/__init__.py", "import engine.units", "app -> engine -> models"),
        ("app/__init__.py", "import engine.store.duck", "pages talk to the planner only"),
    ],
)
def test_a_forbidden_import_breaks_its_contract(tmp_path, file, line, contract):
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    for package in ("app", "engine", "models"):
        shutil.copytree(
            ROOT / package, tmp_path / package, ignore=shutil.ignore_patterns("__pycache__")
        )
    with (tmp_path / file).open("a") as module:
        module.write(f"\n{line}\n")
    result = run_python(LINT_IMPORTS, tmp_path)
    assert result.returncode == 1
    assert f"{contract} BROKEN" in result.stdout


def test_no_engine_module_loads_a_screen_or_a_network():
    result = run_python(IMPORT_EVERYTHING, ROOT)
    assert result.returncode == 0, result.stderr
    assert "engine.planner" in result.stdout.split()


def test_a_command_does_not_wait_for_libraries_that_few_commands_need():
    heavy = ("torch", "optuna", "scipy.stats", "scipy.optimize", "scipy.signal", "matplotlib")
    code = f"import sys, engine.planner; print([m for m in {heavy} if m in sys.modules])"
    result = run_python(code, ROOT)
    assert result.returncode == 0, result.stderr
    assert result.stdout.strip() == "[]"

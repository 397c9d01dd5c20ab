"""What loads when: a command that prints a line does not wait for torch."""

import ast
import importlib
import subprocess
import sys
from pathlib import Path

import pytest

import mineral
from mineral import names

LOADED = """
import sys
{does}
heavy = {{"torch", "scipy", "pandas", "sklearn", "matplotlib", "narwhals"}}
sys.exit(", ".join(sorted(heavy & set(sys.modules))) or None)
"""


def run(does):
    script = LOADED.format(does=does)
    return subprocess.run([sys.executable, "-c", script], check=False, capture_output=True)


@pytest.mark.parametrize(
    "words",
    [["--help"], ["--version"], [], ["estimate", "--help"], ["benchmark", "-h"], ["matrix", "-h"]],
    ids=str,
)
def test_help_and_version_load_nothing_heavy(words):
    ran = run(f"from mineral.cli import main; assert main({words!r}) == 0")
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout


def test_a_refusal_of_the_command_line_loads_nothing_heavy():
    ran = run("from mineral.cli import main; assert main(['estimate', '--no-such']) == 2")
    assert ran.returncode == 0, ran.stderr


def test_importing_loads_nothing_and_lists_everything():
    ran = run("import mineral; assert {*mineral.__all__} <= {*dir(mineral)}")
    assert ran.returncode == 0, ran.stderr


@pytest.mark.parametrize(
    "does",
    [
        "import mineral; mineral.estimate; mineral.KSG(k=5); mineral.bounds.nwj",
        pytest.param(
            "from mineral import Mine, tasks, bounds, independence; independence.__call__",
            marks=pytest.mark.slow,
        ),
        "from mineral import *; KSG, estimate, tasks, stability",
        pytest.param(
            "from mineral.mine import Mine; import mineral; mineral.independence.__call__",
            marks=pytest.mark.slow,
        ),
        pytest.param(
            "from mineral.learning import Information; import mineral; mineral.load",
            marks=pytest.mark.slow,
        ),
        pytest.param("import mineral.bounds, mineral; mineral.InputError", marks=pytest.mark.slow),
    ],
)
def test_whatever_is_used_first_is_there(does):
    subprocess.run([sys.executable, "-c", does], check=True)


def test_every_public_name_is_where_a_type_checker_sees_it():
    modules = {"bounds", "gradients", "stability", "tasks"}
    elsewhere = {*mineral._ELSEWHERE}
    assert {*names.__all__} | modules | elsewhere == {*mineral.__all__}
    assert all(getattr(mineral, name) is getattr(names, name) for name in names.__all__)
    for name, where in mineral._ELSEWHERE.items():
        assert getattr(mineral, name) is getattr(importlib.import_module(where), name)
    tree = ast.parse(Path(mineral.__file__).read_text())
    block = next(node for node in tree.body if isinstance(node, ast.If))
    assert {alias.name for part in block.body for alias in part.names} == {
        *modules,
        *elsewhere,
        "*",
    }


def test_an_unknown_name_is_refused_as_of_any_module():
    with pytest.raises(AttributeError, match="module 'mineral' has no attribute 'nothing'"):
        mineral.nothing  # noqa: B018
    with pytest.raises(ImportError, match="cannot import name 'nothing' from 'mineral'"):
        from mineral import nothing  # noqa: F401


def test_shell_completion_loads_nothing_heavy():
    does = """
import os
os.environ |= {"_MINERAL_COMPLETE": "complete_bash", "COMP_WORDS": "mineral est", "COMP_CWORD": "1"}
from mineral.cli import main
assert main([]) == 0
"""
    ran = run(does)
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.split() == [b"estimate", b"estimators"]

"""What loads when: a command that prints a line does not wait for torch."""

import ast
import importlib
import json
import subprocess
import sys
from pathlib import Path

import pytest

import mineral
from mineral import names

# In one new interpreter, each after the other: what each has loaded that takes seconds.
SCRIPT = """
import contextlib, io, json, os, sys

HEAVY = {"torch", "scipy", "pandas", "sklearn", "matplotlib", "narwhals"}
found = {}

def note(name, does):
    with contextlib.redirect_stdout(io.StringIO()) as shown:
        status = does()
    found[name] = {"status": status, "shown": shown.getvalue(), "heavy": [*HEAVY & {*sys.modules}]}

import mineral
note("import", lambda: {*mineral.__all__} <= {*dir(mineral)})
from mineral.cli import main
for line in json.loads(sys.argv[1]):
    note(line, lambda: main(line.split()))
variables = {"_MINERAL_COMPLETE": "complete_bash", "COMP_WORDS": "mineral est", "COMP_CWORD": "1"}
os.environ |= variables
note("completion", lambda: main([]))
exec("from mineral import *; KSG(k=5), estimate, tasks, stability")  # the first that loads much
note("all names", lambda: mineral.bounds.nwj is not None)
print(json.dumps(found))
"""
SHOWN = ["--help", "--version", "", "estimate --help", "benchmark -h", "matrix -h"]
REFUSED = "estimate --no-such"


@pytest.fixture(scope="module")
def ran():
    """Status, output and heavy modules by what was done."""
    command = [sys.executable, "-c", SCRIPT, json.dumps([*SHOWN, REFUSED])]
    return json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)


def test_help_and_version_load_nothing_heavy(ran):
    for line in SHOWN:
        assert ran[line]["status"] == 0 and ran[line]["shown"] and not ran[line]["heavy"], line


def test_a_refusal_of_the_command_line_loads_nothing_heavy(ran):
    assert ran[REFUSED] == {"status": 2, "shown": "", "heavy": []}


def test_importing_loads_nothing_and_lists_everything(ran):
    assert ran["import"] == {"status": True, "shown": "", "heavy": []}


def test_shell_completion_loads_nothing_heavy(ran):
    assert (ran["completion"]["status"], ran["completion"]["heavy"]) == (0, [])
    assert ran["completion"]["shown"].split() == ["estimate", "estimators"]


def test_a_star_is_all_names_and_loads_torch(ran):
    assert ran["all names"]["status"] and {"torch", "scipy"} <= {*ran["all names"]["heavy"]}


@pytest.mark.slow  # each process imports torch
@pytest.mark.parametrize(
    "does",
    [
        "import mineral; mineral.estimate; mineral.KSG(k=5); mineral.bounds.nwj",
        "from mineral import Mine, tasks, bounds, independence; independence.__call__",
        "from mineral.mine import Mine; import mineral; mineral.independence.__call__",
        "from mineral.learning import Information; import mineral; mineral.load",
        "import mineral.bounds, mineral; mineral.InputError",
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

"""The layers, lowest first. A module may import only from layers below its own."""

import ast
import re
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest
from cases import check_all

import mineral

LAYERS = [
    ["basics"],
    ["errors"],
    ["system", "figures"],
    ["mnist", "decision"],
    ["results"],
    ["samples", "stability"],
    ["critics", "bounds", "gradients"],
    ["networks"],
    ["models", "tasks"],
    ["permutation"],
    ["methods"],
    ["mine", "api"],
    ["learning"],
    ["quantities"],
    ["series"],
    ["names", "selection"],
    ["report", "settings", "tables", "rivals"],
    ["shaping", "pairs"],
    ["links"],
    ["audit"],
    ["benchmark", "experiments"],
    ["cli"],
]
LEVEL = {name: level for level, names in enumerate(LAYERS) for name in names}
ROOT = Path(mineral.__file__).parent
FILES = sorted(ROOT.rglob("*.py"))
INSIDE = [path for path in FILES if path.parent != ROOT or path.name != "__init__.py"]
LONGEST = 400  # lines


def module_of(path):
    """`mineral.methods.base` of src/mineral/methods/base.py, `mineral.methods` of its __init__."""
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(["mineral", *(part for part in parts if part != "__init__")])


MODULES = {module_of(path): path for path in FILES}


def layer(module):
    return module.split(".")[1]


def executed(tree):
    """All nodes, those in functions included, but not what only a type checker sees."""
    waiting = [tree]
    while waiting:
        node = waiting.pop()
        yield node
        for_types = isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)
        waiting += node.orelse if for_types else ast.iter_child_nodes(node)


def imports_of(tree, path):
    """Modules of the package that a file imports, wherever in the file it does."""
    nodes = list(executed(tree))
    found = {name.name for node in nodes if isinstance(node, ast.Import) for name in node.names}
    for node in nodes:
        if isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path.name} imports relatively: write out `mineral.…`"
            inside = {f"{node.module}.{name.name}" for name in node.names}
            # `from mineral import bounds` is a module, `from mineral.samples import paired` is not.
            found |= {name if name in MODULES else node.module for name in inside}
    return {name for name in found if name.split(".")[0] == "mineral"}


@cache  # each file is parsed once; the trees of all would take 100 MB
def known(path):
    """What a file imports, and its docstring."""
    tree = ast.parse(path.read_text())
    return imports_of(tree, path), ast.get_docstring(tree)


def imported(path):
    return known(path)[0]


def test_imports_are_seen_wherever_they_stand():
    source = """
from typing import TYPE_CHECKING
from mineral import bounds
if TYPE_CHECKING:
    from mineral import cli
else:
    import mineral.mnist
def lazily():
    from mineral.report import page
    if True:
        import mineral.results
"""
    seen = imports_of(ast.parse(source), Path("example.py"))
    assert {layer(name) for name in seen} == {"bounds", "mnist", "report", "results"}


def test_every_module_has_a_layer():
    assert {layer(module_of(path)) for path in INSIDE} == set(LEVEL)


def test_imports_point_down():
    def check(path):
        own = layer(module_of(path))
        for other in imported(path):
            assert other != "mineral", f"{path.name}: name the module that it comes from"
            assert layer(other) == own or LEVEL[layer(other)] < LEVEL[own], (
                f"{path.name}: `{own}` must not import `{layer(other)}`"
            )

    check_all(check, {module_of(path): path for path in INSIDE})


def test_no_module_imports_itself_around_corners():
    # Inside a folder the layers say nothing. Importing a module runs its package's __init__ too,
    # which may import its own modules: from inside the folder that is no cycle.
    graph = {name: imported(path) - {name} for name, path in MODULES.items()}
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        pytest.fail(f"import cycle: {' → '.join(error.args[1])}")


def test_within_a_folder_modules_are_named_directly():
    def check(folder):
        for path in folder.glob("*.py"):
            if path.name != "__init__.py":
                assert f"mineral.{folder.name}" not in imported(path), path.name

    check_all(check, [p for p in ROOT.iterdir() if (p / "__init__.py").exists()])


def test_a_file_is_one_idea():
    def check(path):
        assert len(path.read_text().splitlines()) <= LONGEST
        assert known(path)[1], "say in the first lines what it is"

    check_all(check, MODULES)


TWO_LEVELS = {
    ("audit", "attacks"),
    ("audit", "pages"),
    ("cli", "pairs"),
    ("cli", "series"),
    ("experiments", "estimators"),
    ("experiments", "models"),
    ("experiments", "privacy"),
    ("links", "pages"),
    ("methods", "classes"),
    ("methods", "conditional"),
    ("methods", "copulas"),
    ("methods", "counts"),
    ("methods", "default"),
    ("methods", "densities"),
    ("methods", "neighbours"),
    ("methods", "neural"),
    ("methods", "projections"),
    ("methods", "regressions"),
    ("methods", "wrappers"),
    ("pairs", "pages"),
    ("samples", "columns"),
    ("tasks", "everyday"),
    ("tasks", "families"),
}  # folders within folders


def test_only_one_level_of_folders_but_for_those_listed():
    deeper = {path.relative_to(ROOT).parts[:-1] for path in FILES}
    assert {folder for folder in deeper if len(folder) > 1} == TWO_LEVELS


FOLDERS = sorted({path.parent for path in INSIDE} - {ROOT})


def test_a_folder_says_what_is_inside():
    def check(folder):
        said = known(folder / "__init__.py")[1]
        for path in folder.glob("*.py"):
            if path.name != "__init__.py":
                assert re.search(rf"(?<![\w/]){path.stem}\.py|`{path.stem}`", said), path.name
        for inner in folder.glob("*/__init__.py"):
            assert f"{inner.parent.name}/" in said

    check_all(check, FOLDERS)


WINGS = ("experiments", "shaping", "audit")
WINGS_ALONE = [[wing] for wing in WINGS]


def test_the_core_imports_no_wing():
    def check(path):
        if path.relative_to(ROOT).parts[0] not in (*WINGS, "cli"):
            assert not [name for name in imported(path) if name.split(".")[1:2] in WINGS_ALONE]

    check_all(check, MODULES)


def test_no_folder_holds_more_than_a_dozen_modules():
    for folder in FOLDERS:
        here = [path for path in folder.glob("*.py") if path.name != "__init__.py"]
        assert len(here) <= 12, f"{folder.relative_to(ROOT)}: make rooms"


def test_the_guide_names_files_that_exist():
    guide = (ROOT.parents[1] / "ARCHITECTURE.md").read_text()
    named = set(re.findall(r"`((?:\w+/)*\w+\.py|(?:\w+/)+)`", guide))
    known = {str(p.relative_to(ROOT)) for p in FILES}
    known |= {path.name for path in FILES} | {f"{p.relative_to(ROOT)}/" for p in FOLDERS}
    outside = {name for name in named if (ROOT.parents[1] / name).exists()}
    assert named - known - outside == set()

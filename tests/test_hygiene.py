"""Nothing is changed but what was asked for, and nothing in the source could do harm."""

import ast
import copy
import locale
import logging
import os
import random
import subprocess
import sys
import threading
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import sklearn  # noqa: F401  sets variables of the environment, see below
import torch
from cases import check_all

import mineral

ROOT = Path(mineral.__file__).parent
SOURCES = sorted(ROOT.rglob("*.py"))
X = np.random.default_rng(0).standard_normal((120, 1))
Y = X + np.random.default_rng(1).standard_normal((120, 1))


NETWORK = torch.nn.Linear(2, 1)
# The first optimizer in a process imports sympy, which filters warnings, and scikit-learn's import
# sets variables of the environment: theirs to do, once.
torch.optim.Adam(NETWORK.parameters())


def state_of_the_process():
    """What a program may have set for itself, in a form that can be compared."""
    import matplotlib
    from matplotlib import pyplot

    root = logging.getLogger()
    mask = os.umask(0)
    os.umask(mask)
    return {
        "torch": torch.get_rng_state().tolist(),
        "numpy": [str(part) for part in np.random.get_state(legacy=False)["state"].values()],  # noqa: NPY002
        "python": random.getstate(),
        "default dtype": torch.get_default_dtype(),
        "threads": (torch.get_num_threads(), torch.get_num_interop_threads()),
        "gradients": (torch.is_grad_enabled(), torch.is_inference_mode_enabled()),
        "anomalies": torch.is_anomaly_enabled(),
        "deterministic": torch.are_deterministic_algorithms_enabled(),
        "precision": torch.get_float32_matmul_precision(),
        "warnings": list(warnings.filters),
        "numpy errors": np.geterr(),
        "numpy printing": np.get_printoptions(),
        "logging": (root.level, list(root.handlers), logging.root.manager.disable),
        "matplotlib": (dict(matplotlib.rcParams), pyplot.get_fignums()),
        "environment": {k: v for k, v in os.environ.items() if k != "PYTEST_CURRENT_TEST"},
        "folder": Path.cwd(),
        "path": list(sys.path),
        "locale": locale.setlocale(locale.LC_ALL),
        "hooks": (sys.excepthook, sys.displayhook, sys.stdout, sys.stderr),
        "umask": mask,
        "recursion": sys.getrecursionlimit(),
        "threads alive": [t.name for t in threading.enumerate() if not t.daemon],
    }


@pytest.fixture
def untouched():
    """Fails a test after which anything is set otherwise than before it."""
    before = state_of_the_process()
    yield
    after = state_of_the_process()
    for name, was in before.items():
        assert after[name] == was, f"{name} changed"


def stop(_fraction, _text):
    raise KeyboardInterrupt


class Broken(torch.nn.Module):
    """Fails in the middle of training."""

    def __init__(self, _dim_x, _dim_y):
        super().__init__()
        self.weight = torch.nn.Parameter(torch.randn(1))
        self.calls = 0

    def forward(self, x, y):
        self.calls += 1
        if self.calls > 3:
            raise ZeroDivisionError
        return self.weight * (x[..., 0] * y[..., 0])


@pytest.mark.usefixtures("as_users_run_it", "untouched")  # checks of types draw at random
class TestTheProcessIsLeftAsItWas:
    def test_after_estimating_saving_and_loading(self, brief_estimator, capfd, tmp_path):
        x, y = X.copy(), Y.copy()
        found = brief_estimator.estimate(x, y, seed=3, progress=True)
        str(found), found._repr_html_(), found.to_dict(), found.to("bits")
        if found.model is not None:
            found.model.pmi(x, y)
            found.model.save(tmp_path / "a")
            if found.model.kind != "critics":
                mineral.load(tmp_path / "a").pmi(x, y)
        assert np.array_equal(x, X) and np.array_equal(y, Y)
        assert capfd.readouterr() == ("", "")

    def test_after_plotting(self):
        from matplotlib import pyplot

        figure = mineral.estimate(X, Y, estimator="gaussian").plot()
        pyplot.close(figure)  # the program uses pyplot, which shows the figure until it is closed

    def test_after_a_refusal(self, brief_estimator):
        refused = [
            ((X[:5], Y), {}),
            ((np.where(X > 2, np.nan, X), Y), {}),
            ((["a"] * 120, Y), {}),
            ((X, Y), {"seed": -1}),
            ((X, Y), {"device": "quantum"}),
            ((X.astype(np.longdouble) * np.longdouble("1e4000"), Y), {}),
        ]
        for pair, options in refused:
            with pytest.raises(mineral.MineralError):
                brief_estimator.estimate(*pair, **options)

    def test_after_an_interrupt_in_the_middle(self, learning_estimator):
        with pytest.raises(KeyboardInterrupt):
            learning_estimator.estimate(X, Y, progress=stop)

    def test_after_a_failure_in_the_middle(self):
        broken = mineral.MINE(critic=Broken, steps=5, batch_size=32)
        with pytest.raises(ZeroDivisionError):
            broken.estimate(X, Y)

    def test_after_loading_what_is_no_file(self, tmp_path):
        with pytest.raises(mineral.InputError):
            mineral.load(tmp_path)

    def test_after_training_ones_own_network(self):
        mineral.Mine(NETWORK, method="concat").optimize(X, Y, iters=2)


def test_a_default_dtype_of_the_callers_is_worked_with(brief_estimator):
    torch.set_default_dtype(torch.float64)
    try:
        found = brief_estimator.estimate(X, Y)
        assert np.isfinite(found.value) and torch.get_default_dtype() == torch.float64
        if found.model is not None:
            assert np.isfinite(found.model.pmi(X, Y)).all()
    finally:
        torch.set_default_dtype(torch.float32)


def test_under_no_grad_networks_still_learn(learning_estimator):
    plain = learning_estimator.estimate(X, Y)
    with torch.no_grad():
        assert learning_estimator.estimate(X, Y) == plain
    with torch.inference_mode():
        assert learning_estimator.estimate(X, Y) == plain


@pytest.mark.parametrize(
    "form",
    [
        lambda v: v.copy(),
        lambda v: torch.tensor(v),
        lambda v: torch.tensor(v, requires_grad=True),
        lambda v: v.tolist(),
        lambda v: pd.DataFrame(v, columns=[f"c{i}" for i in range(v.shape[1])]),
        lambda v: np.ma.array(v),
        lambda v: np.where(v > 2, np.nan, v),
    ],
    ids=["array", "tensor", "tensor with gradient", "lists", "frame", "masked", "with holes"],
)
def test_what_comes_in_is_not_changed(form):
    x, y = form(X), form(Y)
    before_x, before_y = copy.deepcopy(x), copy.deepcopy(y)
    mineral.GaussianCopula().estimate(x, y, missing="drop").model.pmi(X, Y)
    mineral.KSG().estimate(x, y, missing="drop")
    for now, was in ((x, before_x), (y, before_y)):
        np.testing.assert_array_equal(
            now.detach() if isinstance(now, torch.Tensor) else now,
            was.detach() if isinstance(was, torch.Tensor) else was,
        )
        if isinstance(now, torch.Tensor):
            assert now.requires_grad == was.requires_grad and now.grad is None
        if isinstance(now, pd.DataFrame):
            assert list(now.columns) == list(was.columns) and now.index.equals(was.index)


def test_an_estimate_does_not_share_memory_with_the_samples():
    x, y = X.copy(), Y.copy()
    found = mineral.estimate(x, y)
    assert not np.shares_memory(found.evidence.x, x)
    x[:], y[:] = 0, 0
    assert np.array_equal(found.evidence.x, X) and np.array_equal(found.evidence.y, Y)


IMPORT = """
import contextlib, io, logging, numpy, os, random, sys
import torch
def state():
    return (torch.get_rng_state().tolist(), str(numpy.random.get_state()), random.getstate(),
            logging.root.handlers[:], torch.get_default_dtype(), torch.get_num_threads(),
            numpy.geterr(), os.getcwd(), dict(os.environ), list(sys.path), sys.excepthook)
shown, before = io.StringIO(), state()
with contextlib.redirect_stdout(shown), contextlib.redirect_stderr(shown):
    import mineral
print(repr((shown.getvalue(), state() == before, sorted(sys.modules))))
"""
OPTIONAL = (
    "joblib",
    "lightning",
    "pytorch_lightning",
    "tensorboard",
    "pandas",
    "polars",
    "pooch",
    "pyarrow",
    "matplotlib",
    "jinja2",
    "sklearn",
    "rich",
    "typer",
    "safetensors",
    "scipy.special",  # slower to import than all of mineral: `make bench` tells the seconds
    "scipy.stats",
)


@pytest.fixture(scope="module")
def fresh_import():
    """What was shown, whether the state was as before, and all modules."""
    environment = os.environ | {"PYTHONPATH": str(ROOT.parent), "PYTHONWARNINGS": "error"}
    environment.pop("PYTHONSTARTUP", None)
    command = [sys.executable, "-c", IMPORT]
    run = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    assert run.stderr == ""
    return ast.literal_eval(run.stdout)


def test_importing_shows_and_sets_nothing(fresh_import):
    shown, as_before, _ = fresh_import
    assert shown == "" and as_before


def test_importing_brings_in_nothing_optional(fresh_import):
    *_, modules = fresh_import
    assert "mineral" in modules
    assert [name for name in OPTIONAL if name in modules] == []


def dotted(node):
    """`a.b.c` of a name or of an attribute of one; of anything else, nothing."""
    if isinstance(node, ast.Attribute):
        return f"{dotted(node.value)}.{node.attr}"
    return node.id if isinstance(node, ast.Name) else ""


def calls(tree):
    return [dotted(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)]


def imports_of(tree):
    names = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {name.name for name in node.names}
        elif isinstance(node, ast.ImportFrom):
            names |= {node.module or "", *(f"{node.module}.{name.name}" for name in node.names)}
    return names


NEVER_IMPORTED = (
    "pickle",
    "cPickle",
    "_pickle",
    "dill",
    "cloudpickle",
    "joblib",
    "shelve",
    "marshal",
    "yaml",
    "importlib.import_module",
    "importlib.machinery",
    "importlib.abc",
    "runpy",
    "torchvision",
    "requests",
    "urllib",
    "http",
    "socket",
    "subprocess",
    "matplotlib.pyplot",
)
NEVER_CALLED = (
    "eval",
    "exec",
    "compile",
    "__import__",
    "torch.load",
    "torch.save",
    "torch.hub.load",
    "torch.jit.load",
    "pd.read_pickle",
    "yaml.load",
    "os.system",
    "import_module",
    "importlib.import_module",
    "importlib.reload",
    "importlib.util.module_from_spec",
    "importlib.util.spec_from_file_location",
    "spec_from_file_location",
    "breakpoint",
    "torch.set_default_dtype",
    "torch.set_num_threads",
    "torch.manual_seed",
    "torch.seed",
    "torch.random.fork_rng",
    "torch.set_rng_state",
    "torch.default_generator.manual_seed",
    "torch.autograd.set_detect_anomaly",
    "np.random.seed",
    "random.seed",
    "np.seterr",
    "logging.basicConfig",
    "plt.style.use",
    "matplotlib.use",
)
ALLOWED = {  # in one file each, behind one door
    "__init__.py": {"importlib.import_module"},  # of four modules, which it names
    "results.py": {"importlib.import_module"},  # of the report, which imports results
    # The user's own file of tasks or estimators, which the command line names.
    "settings.py": {
        "importlib.util",
        "importlib.util.spec_from_file_location",
        "importlib.util.module_from_spec",
        "spec.loader.exec_module",
    },
    "cli/output.py": {"print"},
    "benchmark/child.py": {"subprocess"},  # the benchmark's workers, from lists of arguments
    "system/workers.py": {"joblib"},  # runs calls, and loads nothing
    # Libraries that draw from the global state, in processes of their own.
    "rivals/latentmi.py": {"np.random.seed", "torch.manual_seed"},
    "rivals/npeet.py": {"np.random.seed"},
    "rivals/torch_mist.py": {"torch.manual_seed"},
}
FOR_A_WHILE = ("warnings.simplefilter", "warnings.filterwarnings")  # inside `catch_warnings` only


def calls_inside(tree, context):
    """Calls within `with` blocks of some context manager."""
    for node in ast.walk(tree):
        if isinstance(node, ast.With) and any(context in ast.unparse(i) for i in node.items):
            yield from (other for other in ast.walk(node) if isinstance(other, ast.Call))


def forbidden(tree, name=""):
    """What a source file does that no source file may."""
    called = calls(tree)
    found = [call for call in called if call in NEVER_CALLED]
    caught = set(calls_inside(tree, "catch_warnings"))
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and dotted(node.func) in FOR_A_WHILE:
            found += [] if node in caught else [ast.unparse(node)]
    for module in imports_of(tree):
        if any(module == never or module.startswith(f"{never}.") for never in NEVER_IMPORTED):
            found.append(module)
    for node in ast.walk(tree):
        # Anything but the safe constant: a variable may hold what a user said.
        if isinstance(node, ast.keyword) and node.arg in ("allow_pickle", "shell"):
            found += [] if ast.unparse(node.value) == "False" else [ast.unparse(node)]
    if "print" in called:
        found.append("print")
    return [each for each in found if each not in ALLOWED.get(name, ())]


def test_the_source_has_nothing_that_could_run_what_a_file_says():
    def check(name):
        assert forbidden(ast.parse((ROOT / name).read_text()), name) == []

    check_all(check, [str(path.relative_to(ROOT)) for path in SOURCES])


@pytest.mark.parametrize(
    "line",
    [
        "import pickle",
        "from joblib import load",
        "torch.load(path, weights_only=True)",
        "f(path, allow_pickle=True)",
        "f(path, allow_pickle=trusted)",
        "eval(text)",
        "exec(text)",
        "import yaml; yaml.load(text)",
        "import importlib; importlib.import_module(name)",
        "from importlib import import_module",
        "import torchvision.models",
        "print(1)",
        "warnings.simplefilter('ignore')",
        "torch.manual_seed(0)",
        "from matplotlib import pyplot",
    ],
)
def test_the_test_above_sees_it(line):
    assert forbidden(ast.parse(line))


@pytest.mark.parametrize(
    ("line", "name"),
    [
        ("print(1)", "cli/output.py"),
        ("import subprocess", "benchmark/child.py"),
        ("import joblib", "system/workers.py"),
    ],
)
def test_some_things_may_be_done_in_one_file(line, name):
    assert forbidden(ast.parse(line), name) == [] != forbidden(ast.parse(line), "api.py")

"""Every kind of bad input × every door: a number, or one typed line, and nothing changed."""

import warnings

import numpy as np
import pandas as pd
import polars as pl
import pytest
import scipy.sparse
import torch
from bad_inputs import GOOD, KINDS, N, Y

import mineral
from mineral import gradients
from mineral.audit import Recorded
from mineral.critics import JointCritic
from mineral.errors import MineralError
from mineral.learning import Information
from mineral.shaping import Raw, noise_like, pca
from mineral.shaping.problem import table

pytestmark = pytest.mark.usefixtures("as_users_run_it")
LABEL = np.arange(N) % 2


def critic():
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return JointCritic(2, 1, hidden=(4,))


def network():
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return torch.nn.Linear(3, 1)


MODEL = mineral.Gaussian().estimate(GOOD, Y).model
FUNCTIONS = {
    "estimate ksg": lambda x: mineral.estimate(x, Y, estimator="ksg").value,
    "estimate gaussian, dropping": lambda x: (
        mineral.estimate(x, Y, estimator="gaussian", missing="drop").value
    ),
    "estimate discrete": lambda x: mineral.estimate(x, LABEL, estimator="discrete").value,
    "entropy": lambda x: mineral.entropy(x).value,
    "divergence": lambda x: mineral.divergence(x, GOOD).value,
    "total correlation": lambda x: mineral.total_correlation(x).value,
    "independence": lambda x: mineral.independence(x, Y, permutations=19).p_value,
    "matrix": lambda x: mineral.matrix({"x": x, "y": Y}).value,
    "Mine": lambda x: mineral.Mine(network(), method="concat").mi(x, Y),
    "Information": lambda x: Information(critic())(x, torch.tensor(Y, dtype=torch.float32)),
    "bound": lambda x: mineral.bounds.infonce(torch.zeros(N), x),
    "gradient": lambda x: gradients.entropy_gradient(x),
    "problem to shape": lambda x: table({"x": x, "keep": LABEL}, keep="keep").x,
    "codes to audit": lambda x: Recorded.of("codes", x).codes,
    "encoders": lambda x: np.hstack(
        [Raw().encode(x), noise_like(x).encode(x), pca(x, 1).encode(x)]
    ),
    "model": lambda x: MODEL.pmi(x, Y),
}


PENDING = {
    # Terms of a loss: to look for NaN, a GPU would have to be waited for at each step.
    "Information": {"dtype tensor with nan"},
    "bound": {"dtype tensor with nan"},
}
"""Cells that give NaN, and why."""


def print_of(value):
    """What must be the same afterwards."""
    if isinstance(value, torch.Tensor):
        if value.is_sparse or value.is_meta:
            return str(value.shape)
        return value.dtype, value.requires_grad, value.grad is None, repr(value.tolist())
    if scipy.sparse.issparse(value):
        return repr(value.toarray().tolist())
    if isinstance(value, np.ndarray):
        mask = np.ma.getmaskarray(value).tolist() if isinstance(value, np.ma.MaskedArray) else None
        return value.dtype, value.shape, value.flags.writeable, repr(value.tolist()), mask
    if isinstance(value, (pd.DataFrame, pd.Series)):
        return value.to_csv(), str(value.index), str(value.dtypes)
    if isinstance(value, pl.DataFrame):
        return value.write_json()
    if isinstance(value, dict):
        return {key: print_of(each) for key, each in value.items()}
    if isinstance(value, list):
        return [print_of(each) for each in value]
    return repr(value)


def finite(found):
    found = found.detach().numpy() if isinstance(found, torch.Tensor) else found
    return bool(np.isfinite(found).all()) and not isinstance(found, complex)


def fault(function, make):
    """What is wrong about how a function takes one input; None if nothing is."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of np.matrix
        value = make()
    before = print_of(value)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            found = function(value)
    except MineralError as error:
        if "\n" in str(error) or not str(error):
            return f"an error of several lines: {error}"
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    else:
        if not finite(found):
            return f"gave {found}"
    return None if print_of(value) == before else "changed its argument"


@pytest.mark.parametrize("name", FUNCTIONS)
def test_every_bad_input_gives_a_number_or_one_typed_line(name):
    faults = {
        kind: found
        for kind, make in KINDS.items()
        if (found := fault(FUNCTIONS[name], make)) is not None and kind not in PENDING.get(name, ())
    }
    assert faults == {}, "\n".join(f"{kind}: {found}" for kind, found in faults.items())

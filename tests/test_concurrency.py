"""Threads and processes of the caller's: the numbers of a serial run, and nothing left behind."""

import multiprocessing
import random
import warnings
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from functools import partial

import numpy as np
import pytest
import torch
from conftest import params
from threadpoolctl import threadpool_info, threadpool_limits

import mineral

THREADS = 4
RECIPES = {
    "auto": mineral.Auto(budget="fast"),
    "mine": mineral.MINE(steps=20, folds=2),
    "ksg": mineral.KSG(),
    "residual": mineral.Residual(steps=60, folds=2, gain=1e-6),  # the network is kept
    "infonce": mineral.InfoNCE(steps=10, folds=2, product_samples=31),
}
QUICK = ("auto", "ksg", "infonce")  # of each kind: a table of candidates, neighbours, a critic


def value(recipe, seed):
    """Of 240 rows on a noisy circle, where a network has something to add to a copula."""
    rng = np.random.default_rng(seed)
    angle = rng.uniform(0, 2 * np.pi, 240)
    x = np.cos(angle) + 0.1 * rng.standard_normal(240)
    return recipe.estimate(x, np.sin(angle) + 0.1 * rng.standard_normal(240), seed=seed).value


def state():
    """What belongs to the whole process, and what a thread that starts now finds.

    Not the state of `random`, from which the type checks of our tests draw.
    """
    with ThreadPoolExecutor(1) as pool:
        later = pool.submit(torch.get_num_threads).result()
    return {
        "torch": torch.get_rng_state().tolist(),
        "numpy": [str(part) for part in np.random.get_state()],  # noqa: NPY002
        "threads of torch": (torch.get_num_threads(), later),
        "threads of BLAS": [p["num_threads"] for p in threadpool_info() if p["user_api"] == "blas"],
        "warnings": list(warnings.filters),
        "gradients": (torch.is_grad_enabled(), torch.get_default_dtype()),
        "NumPy's errors": np.geterr(),
    }


@pytest.fixture
def _two_threads():
    """So that a number of 1 that someone forgot shows."""
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    with threadpool_limits(2, user_api="blas"):
        yield
    torch.set_num_threads(before)


@pytest.mark.usefixtures("_two_threads")
@pytest.mark.parametrize("rounds", [1, pytest.param(20, marks=pytest.mark.slow)])
@pytest.mark.parametrize("name", params([*RECIPES], QUICK))
def test_threads_find_what_a_serial_run_finds(name, rounds):
    recipe = RECIPES[name]
    serial = [value(recipe, seed) for seed in range(THREADS)]
    if name == "residual":  # a copula alone finds less than half of it
        assert min(serial) > 0.3
    before = state()
    for _ in range(rounds):
        with ThreadPoolExecutor(THREADS) as pool:
            found = list(pool.map(partial(value, recipe), range(THREADS)))
        assert found == serial
    assert state() == before


def test_draws_of_the_program_go_on_while_others_estimate():
    expected = torch.Generator()
    expected.set_state(torch.get_rng_state())
    others = random.Random(0)
    with ThreadPoolExecutor(2) as pool:
        jobs = [pool.submit(value, RECIPES["mine"], seed) for seed in range(4)]
        while not all(job.done() for job in jobs):
            count = others.randint(1, 9)
            assert torch.equal(torch.rand(count), torch.rand(count, generator=expected))


@pytest.mark.slow
def test_processes_that_are_spawned_find_the_same():
    serial = [value(RECIPES["mine"], seed) for seed in range(2)]
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=context) as pool:
        assert list(pool.map(partial(value, RECIPES["mine"]), range(2), timeout=300)) == serial


@pytest.mark.slow
def test_processes_of_joblib_find_the_same():
    joblib = pytest.importorskip("joblib")
    serial = [value(RECIPES["mine"], seed) for seed in range(2)]
    parallel = joblib.Parallel(2, "loky", timeout=300)
    assert parallel(joblib.delayed(value)(RECIPES["mine"], seed) for seed in range(2)) == serial

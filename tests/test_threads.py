"""Estimates compute with few threads, and leave their number as it was."""

import warnings
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from functools import partial
from threading import Event

import numpy as np
import pytest
import torch
from threadpoolctl import ThreadpoolController, threadpool_info, threadpool_limits

import mineral
from mineral.critics import SeparableCritic
from mineral.report.drawings import own_settings
from mineral.system.threads import Shared, multiplications, one_blas_thread, one_torch_thread, quiet


@pytest.fixture
def three_threads():
    before = torch.get_num_threads()
    torch.set_num_threads(3)
    with threadpool_limits(limits=3, user_api="blas"):
        yield
    torch.set_num_threads(before)


def of_blas() -> set[int]:
    return {pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"}


@pytest.mark.usefixtures("three_threads")
def test_one_thread_inside_and_as_before_outside():
    with one_blas_thread(), one_torch_thread():
        assert of_blas() == {1}
        assert torch.get_num_threads() == 1
    assert of_blas() == {3}
    assert torch.get_num_threads() == 3


@pytest.mark.usefixtures("three_threads")
def test_a_long_step_keeps_all_threads():
    with one_torch_thread(when=False):
        assert torch.get_num_threads() == 3


@pytest.mark.usefixtures("three_threads")
def test_estimates_in_threads_of_their_own_leave_the_number_as_it_was():
    x = np.random.default_rng(0).standard_normal((200, 2))
    estimate = partial(mineral.estimate, x, x + x[::-1], budget="fast")
    before = of_blas(), torch.get_num_threads()
    with ThreadPoolExecutor(2) as pool:
        jobs = [pool.submit(estimate, seed=seed) for seed in range(4)]
        for job in jobs:
            job.result()
        later = pool.submit(torch.get_num_threads).result()
    assert (of_blas(), torch.get_num_threads()) == before
    assert later == in_a_new_thread(torch.get_num_threads) == 3


def in_a_new_thread(function):
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(function).result()


def inside_one_another(one, other):
    """Enter the first, enter the second, leave the first, leave the second: as threads may."""
    first, second = ExitStack(), ExitStack()
    first.enter_context(one())
    second.enter_context(other())
    first.close()
    yield  # while the second is inside
    second.close()


@pytest.mark.usefixtures("three_threads")
def test_the_last_one_who_needs_one_blas_thread_restores_their_number():
    for _ in inside_one_another(one_blas_thread, one_blas_thread):
        assert of_blas() == {1}
    assert of_blas() == {3}


@pytest.mark.usefixtures("three_threads")
def test_torch_has_one_thread_in_one_thread_only():
    with one_torch_thread():
        assert torch.get_num_threads() == 1
        assert in_a_new_thread(torch.get_num_threads) == 3
    assert torch.get_num_threads() == in_a_new_thread(torch.get_num_threads) == 3


@pytest.mark.usefixtures("three_threads")
def test_torch_threads_of_two_threads_that_overlap():
    inside, over = Event(), Event()

    def wait():
        with one_torch_thread():
            inside.set()
            over.wait()
        return torch.get_num_threads()

    with ThreadPoolExecutor(1) as pool:
        with one_torch_thread():
            left = pool.submit(wait)
            inside.wait()
        assert torch.get_num_threads() == 3
        over.set()
        assert left.result() == 3
    assert in_a_new_thread(torch.get_num_threads) == torch.get_num_threads() == 3


@pytest.mark.usefixtures("three_threads")
def test_one_blas_thread_of_two_threads_leaves_torch_in_both_as_it_was():
    first, second = ExitStack(), ExitStack()

    def enter():
        for openmp in ThreadpoolController().select(user_api="openmp").lib_controllers:
            openmp.set_num_threads(1)  # as in a thread that torch has not used yet
        first.enter_context(one_blas_thread())

    with ThreadPoolExecutor(1) as pool:
        pool.submit(enter).result()
        second.enter_context(one_blas_thread())
        first.close()
        second.close()
    assert torch.get_num_threads() == 3


def test_warnings_are_those_of_before_after_the_last_one_who_needs_quiet():
    before = list(warnings.filters)
    for _ in inside_one_another(quiet, quiet):
        warnings.warn("not shown", stacklevel=1)
    assert warnings.filters == before
    with pytest.warns(UserWarning, match="shown"):
        warnings.warn("shown", stacklevel=1)


def test_matplotlib_has_its_settings_of_before_after_the_last_page():
    import matplotlib

    before = dict(matplotlib.rcParams)
    for _ in inside_one_another(own_settings, own_settings):
        assert matplotlib.rcParams["svg.hashsalt"] == "mineral"
    assert dict(matplotlib.rcParams) == before
    for _ in inside_one_another(quiet, own_settings):
        assert matplotlib.rcParams["savefig.dpi"] == 200
    assert dict(matplotlib.rcParams) == before


def test_a_change_that_fails_is_none():
    shared = Shared(lambda: (_ for _ in ()).throw(KeyError))
    for _ in range(2):
        with pytest.raises(KeyError), shared:
            pass


@pytest.mark.usefixtures("three_threads")
def test_an_error_restores_the_number():
    with pytest.raises(KeyError), one_blas_thread(), one_torch_thread():
        raise KeyError
    assert of_blas() == {3}
    assert torch.get_num_threads() == 3


@pytest.mark.usefixtures("three_threads")
def test_an_estimate_leaves_the_number_and_tells_what_torch_uses_inside():
    x = np.random.default_rng(0).standard_normal((300, 2))
    seen = []

    def look(_: float, __: str) -> None:
        seen.append((of_blas(), torch.get_num_threads()))

    mineral.estimate(x, x + x[::-1], estimator=mineral.MINE(steps=50), progress=look)
    assert ({1}, 1) in seen
    assert of_blas() == {3}
    assert torch.get_num_threads() == 3


def test_multiplications_of_a_network_on_pairs():
    critic = SeparableCritic(2, 3, hidden=(5,), features=7)
    with multiplications(critic) as counts:
        critic(torch.zeros(10, 2), torch.zeros(10, 3))
    assert sum(counts) == 10 * (2 * 5 + 5 * 7 + 3 * 5 + 5 * 7)
    critic(torch.zeros(10, 2), torch.zeros(10, 3))
    assert len(counts) == 4

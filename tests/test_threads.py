"""Estimates compute with few threads, and leave their number as it was."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch
from threadpoolctl import threadpool_info, threadpool_limits

import mineral
from mineral.critics import SeparableCritic
from mineral.threads import multiplications, one_blas_thread, one_torch_thread


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


def test_estimates_in_threads_of_their_own_leave_the_number_as_it_was():
    x = np.random.default_rng(0).standard_normal((200, 2))
    before = of_blas(), torch.get_num_threads()
    with ThreadPoolExecutor(2) as pool:
        jobs = [pool.submit(mineral.estimate, x, x + x[::-1], seed=seed) for seed in range(4)]
        for job in jobs:
            job.result(60)
    assert (of_blas(), torch.get_num_threads()) == before


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

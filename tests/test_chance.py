"""Whatever draws with torch draws from generators of its own: the global ones stay as they are."""

import subprocess
import sys
import threading

import numpy as np
import pytest
import torch
from torch import nn

import mineral
from mineral.critics import JointCritic
from mineral.system.chance import Chance, seeded

F, D = nn.functional, torch.distributions
ONES = torch.ones(50, 3, 4)
WAYS = {
    "rand": lambda: torch.rand(9),
    "randn": lambda: torch.randn(9),
    "randn-out": lambda: torch.randn(3, out=torch.empty(3)),
    "randint": lambda: torch.randint(9, (9,)),
    "randint-from": lambda: torch.randint(2, 99, (9,)),
    "randperm": lambda: torch.randperm(99),
    "rand-like": lambda: torch.rand_like(ONES),
    "randn-like": lambda: torch.randn_like(ONES),
    "randint-like": lambda: torch.randint_like(ONES, 99),
    "bernoulli": lambda: torch.bernoulli(ONES / 2),
    "bernoulli-p": lambda: torch.bernoulli(ONES, 0.5),
    "normal": lambda: torch.normal(0.0, 1.0, (9,)),
    "normal-tensors": lambda: torch.normal(torch.zeros(9), torch.ones(9)),
    "multinomial": lambda: torch.multinomial(torch.ones(99), 9),
    "poisson": lambda: torch.poisson(5 * ONES),
    "binomial": lambda: torch.binomial(ONES * 5, ONES / 2),
    "exponential": lambda: torch.empty(9).exponential_(),
    "cauchy": lambda: torch.empty(9).cauchy_(),
    "log-normal": lambda: torch.empty(9).log_normal_(),
    "geometric": lambda: torch.empty(9).geometric_(0.1),
    "random": lambda: torch.empty(9).random_(99),
    "uniform": lambda: torch.empty(9).uniform_(),
    "dropout": lambda: F.dropout(ONES),
    "dropout1d": lambda: F.dropout1d(ONES),
    "alpha-dropout": lambda: F.alpha_dropout(ONES, training=True),
    "native-dropout": lambda: torch.native_dropout(ONES, 0.5, True)[0],
    "rrelu": lambda: F.rrelu(-ONES, training=True),
    "gumbel-softmax": lambda: F.gumbel_softmax(ONES),
    "attention": lambda: F.scaled_dot_product_attention(ONES, ONES, ONES, dropout_p=0.5),
    "gamma": lambda: D.Gamma(1.0, 1.0).rsample((9,)),
    "dirichlet": lambda: D.Dirichlet(torch.ones(9)).rsample(),
    "categorical": lambda: D.Categorical(torch.ones(99)).sample((9,)),
    "orthogonal": lambda: nn.init.orthogonal_(torch.empty(9, 9)),
    "truncated": lambda: nn.init.trunc_normal_(torch.empty(9)),
    "sparse": lambda: nn.init.sparse_(torch.empty(9, 9), 0.3),
    **{
        f"weights-of-{layer.__name__}": lambda layer=layer, sizes=sizes: torch.cat(
            [parameter.detach().flatten() for parameter in layer(*sizes).parameters()]
        )
        for layer, sizes in {
            nn.Linear: (3, 5),
            nn.Conv2d: (1, 2, 3),
            nn.ConvTranspose2d: (1, 2, 3),
            nn.Embedding: (9, 3),
            nn.Bilinear: (2, 2, 2),
            nn.LSTM: (3, 4),
            nn.TransformerEncoderLayer: (4, 2, 8),
        }.items()
    },
}


@pytest.fixture(autouse=True)
def _untouched():
    """The global generators are after each test what they were before it."""
    before = torch.get_rng_state(), np.random.get_state()[1].tolist()  # noqa: NPY002
    yield
    assert torch.equal(torch.get_rng_state(), before[0])
    assert np.random.get_state()[1].tolist() == before[1]  # noqa: NPY002


@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS.keys())
def test_what_draws_inside_draws_from_the_seed(way):
    drawn = []
    for seed in (0, 0, 1):
        with Chance(seed) as chance:
            drawn.append(way())
        assert chance.draws
    assert torch.equal(drawn[0], drawn[1])
    assert not torch.equal(drawn[0], drawn[2])


def test_draws_go_on_where_they_ended():
    chance = Chance(0)
    with chance:
        first = torch.rand(3)
    with chance:
        second = torch.rand(3)
    generator = torch.Generator().manual_seed(0)
    assert torch.equal(torch.cat([first, second]), torch.rand(6, generator=generator))


def test_a_state_decides_all_later_draws():
    first, other = Chance(0), Chance(1)
    with first:
        torch.rand(3)
    with other:
        torch.rand(7)
    other.load_state_dict(first.state_dict())
    drawn = []
    for each in (first, other):
        with each:
            drawn.append(torch.rand(3))
    assert torch.equal(*drawn)
    assert other.draws == 2
    other.load_state_dict(Chance(5).state_dict())  # which has drawn nothing yet
    with other, Chance(5) as fresh:
        expected = torch.rand(3)
        assert Chance.active() is fresh
    with other:
        assert torch.equal(torch.rand(3), expected) and Chance.active() is other
    assert Chance.active() is None


def test_weights_are_distributed_as_those_of_torch():
    generator = torch.Generator().manual_seed(0)
    expected = nn.init.kaiming_uniform_(torch.empty(5, 3), a=5**0.5, generator=generator)
    with Chance(0):
        assert torch.equal(nn.Linear(3, 5).weight, expected)
        values = F.dropout(torch.ones(100_000), 0.3)
    # A share of 0.3, with a standard error of √(0.3 · 0.7 / 10⁵) = 0.0015.
    assert float((values == 0).double().mean()) == pytest.approx(0.3, abs=4 * 0.0015)
    assert values.max() == pytest.approx(1 / 0.7)


def test_a_generator_that_an_operation_is_given_is_used():
    with Chance(0) as chance:
        drawn = torch.rand(3, generator=torch.Generator().manual_seed(7))
    assert torch.equal(drawn, torch.rand(3, generator=torch.Generator().manual_seed(7)))
    assert not chance.draws


def test_nothing_is_drawn_where_there_are_no_values():
    with Chance(0), torch.device("meta"):
        assert nn.Linear(3, 5).weight.is_meta


def test_gradients_are_on_though_the_caller_turned_them_off():
    with torch.inference_mode(), seeded(0):
        assert (torch.ones(1, requires_grad=True) * torch.rand(1)).requires_grad


def test_an_error_inside_ends_it_too():
    with pytest.raises(ZeroDivisionError), Chance(0) as chance:
        torch.rand(1 // 0)
    before = chance.draws
    torch.ones(1)
    assert chance.draws == before


def test_a_loop_that_draws_nothing_goes_on_without():
    chance, rates = Chance(0), iter([0.5, 0.5, 0.0, 0.0])
    for rate in rates:
        with chance.step():
            F.dropout(torch.ones(9), rate, training=rate > 0)
    assert chance.draws == 2 and chance._idle


def test_threads_draw_apart():
    def draw(seed, found):
        for _ in range(200):
            with Chance(seed):
                found.append(torch.rand(3))

    found = [[] for _ in range(4)]
    threads = [threading.Thread(target=draw, args=(i, each)) for i, each in enumerate(found)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for seed, each in enumerate(found):
        expected = torch.rand(3, generator=torch.Generator().manual_seed(seed))
        assert all(torch.equal(drawn, expected) for drawn in each)


class _Dropping(nn.Module):
    """A critic of someone else's, that draws its weights and draws in training."""

    def __init__(self, dim_x, dim_y):
        super().__init__()
        self.critic = JointCritic(dim_x, dim_y, hidden=(16,))
        self.extra = nn.Parameter(torch.randn(1))

    def forward(self, x, y):
        scores = self.critic(F.dropout(x, 0.2), y)  # in evaluation too
        return F.dropout(scores, 0.2, self.training) + self.extra


def test_a_critic_that_draws_by_itself_draws_from_the_seed():
    x = np.random.default_rng(0).standard_normal((200, 1))
    estimator = mineral.MINE(steps=20, critic=_Dropping)
    values = [estimator.estimate(x, x + x[::-1], seed=seed).value for seed in (0, 0, 1)]
    assert values[0] == values[1] != values[2]


@pytest.mark.slow
def test_python_s_own_generator_is_left_alone():
    # Alone, because the checks of types that our tests make draw from it.
    script = """
import random, numpy, mineral
before, x = random.getstate(), numpy.arange(100.0) % 7
mineral.estimate(x, x[::-1] ** 2 + numpy.sqrt(x), estimator=mineral.MINE(steps=3))
assert random.getstate() == before
"""
    subprocess.run([sys.executable, "-c", script], check=True)

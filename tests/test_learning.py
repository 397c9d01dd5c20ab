"""Information as a term: the critic raises it, the encoder lowers it; each moves only itself."""

import math

import pytest
import torch

from mineral.critics import JointCritic
from mineral.errors import InputError, OptionError
from mineral.learning import Information, Term, UpperInformation


def samples(n=512, seed=0):
    generator = torch.Generator().manual_seed(seed)
    x, noise = torch.randn(2, n, 2, generator=generator)
    return x, noise


@pytest.fixture(params=["mine", "remine", "jensen-shannon", "infonce", "smile", "nwj", "club"])
def term(request):
    torch.manual_seed(0)
    if request.param == "club":
        return UpperInformation.gaussian(2, 2, learning_rate=1e-2)
    return Information(JointCritic(2, 2), request.param, learning_rate=1e-2)


def learned(term, steps=150, scale=1.0):
    for step in range(steps):
        x, noise = samples(seed=step)
        term.learn(x, scale * x + noise)
    return term


def test_the_critic_raises_the_bound_and_the_encoder_lowers_it(term):
    assert isinstance(term, Term)
    x, noise = samples(4000, seed=10_000)
    before = term.nats(x, x + noise)
    learned(term)
    after = term.nats(x, x + noise)
    if not isinstance(term, UpperInformation):
        assert after > before + 0.2
    # Truth: 2 · log(2) / 2 = 0.69 nats, and of CLUB 2 · (3 − 1) / 2 = 2, which shows how loose it
    # is. The standard error of the mean of 4,000 log ratios is 0.015 and 0.03.
    expected = 2.0 if isinstance(term, UpperInformation) else math.log(2)
    assert after == pytest.approx(expected, abs=0.15)
    weight = torch.tensor(1.0, requires_grad=True)
    frozen = {name: value.clone() for name, value in term.state_dict().items()}
    optimizer = torch.optim.SGD([weight], lr=0.3)
    for _ in range(5):
        loss = term(x, weight * x + noise)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert float(weight.detach()) < 0.98
    assert term.nats(x, weight.detach() * x + noise) < after
    assert all(torch.equal(frozen[name], value) for name, value in term.state_dict().items())
    assert all(parameter.grad is None for parameter in term.parameters())


def test_a_step_of_the_critic_leaves_the_encoder_alone(term):
    x, noise = samples()
    weight = torch.tensor(1.0, requires_grad=True)
    term.learn(x, weight * x + noise)
    assert weight.grad is None
    assert all(parameter.requires_grad for parameter in term.parameters())


def test_images_and_columns_are_rows():
    term = Information(JointCritic(4, 1))
    term.learn(torch.randn(8, 1, 2, 2), torch.randn(8))
    assert math.isfinite(term.nats(torch.randn(8, 1, 2, 2), torch.randn(8)))


def test_what_cannot_be_is_refused():
    with pytest.raises(OptionError, match=r"`bound` must be one of .*mine.*got 'ba'"):
        Information(JointCritic(1, 1), "ba")
    with pytest.raises(OptionError, match="`partners`"):
        Information(JointCritic(1, 1), partners=0)
    with pytest.raises(OptionError, match="`learning_rate`"):
        UpperInformation.gaussian(1, 1, learning_rate=0.0)
    with pytest.raises(InputError, match="2 or more rows: got 3 and 2"):
        Information(JointCritic(1, 1)).learn(torch.zeros(3, 1), torch.zeros(2, 1))

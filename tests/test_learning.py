"""Information as a term: the critic raises it, the encoder lowers it; each moves only itself."""

import copy
import io
import math
import subprocess
import sys

import pytest
import torch
from conftest import params
from torch import nn

import mineral
from mineral.critics import BilinearCritic, JointCritic, RowCritic, broadcasting
from mineral.errors import InputError, OptionError
from mineral.learning import Information, Term, UpperInformation


def samples(n=512, seed=0):
    generator = torch.Generator().manual_seed(seed)
    x, noise = torch.randn(2, n, 2, generator=generator)
    return x, noise


TERMS = ("mine", "remine", "jensen-shannon", "infonce", "smile", "nwj", "club")


@pytest.fixture(params=params(TERMS, ["mine", "club"]))
def term(request):
    torch.manual_seed(0)
    if request.param == "club":
        return UpperInformation.gaussian(2, 2, learning_rate=1e-2)
    return Information(JointCritic(2, 2), request.param, learning_rate=1e-2)


def tensors_of(term):
    yield from term.named_parameters()
    yield from term.named_buffers()


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
    frozen = {name: value.clone() for name, value in tensors_of(term)}
    optimizer = torch.optim.SGD([weight], lr=0.3)
    for _ in range(5):
        loss = term(x, weight * x + noise)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert float(weight.detach()) < 0.98
    assert term.nats(x, weight.detach() * x + noise) < after
    assert all(torch.equal(frozen[name], value) for name, value in tensors_of(term))
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


# State


def test_a_training_that_was_saved_goes_on_as_if_it_had_not_stopped(term):
    straight, first = copy.deepcopy(term), copy.deepcopy(term)
    learned(straight, steps=20)
    learned(first, steps=10)
    file = io.BytesIO()
    torch.save(first.state_dict(), file)
    file.seek(0)
    resumed = copy.deepcopy(term)
    for parameter in resumed.parameters():
        nn.init.zeros_(parameter)
    resumed._rng.random(7)
    resumed.load_state_dict(torch.load(file, weights_only=True))
    for step in range(10, 20):
        x, noise = samples(seed=step)
        resumed.learn(x, x + noise)
    for (name, value), (_, expected) in zip(tensors_of(resumed), tensors_of(straight), strict=True):
        assert torch.equal(value, expected), name
    assert resumed.nats(*samples(seed=99)) == straight.nats(*samples(seed=99))


# Critics that take rows


class Concatenating(nn.Module):
    """As most people write it: no broadcasting, and one column of scores."""

    def __init__(self, dim_x, dim_z, columns=1):
        super().__init__()
        self.columns = columns
        self.net = nn.Sequential(nn.Linear(dim_x + dim_z, 32), nn.ReLU(), nn.Linear(32, columns))

    def forward(self, x, z):
        scores = self.net(torch.cat([x, z], dim=1))
        return scores if self.columns == 1 else scores[:, :, None]


@pytest.mark.parametrize("bound", ["mine", "infonce", "nwj"])
def test_a_critic_that_concatenates_its_inputs_works(bound):
    torch.manual_seed(0)
    term = learned(Information(Concatenating(2, 2), bound, learning_rate=1e-2))
    x, noise = samples(4000, seed=10_000)
    assert term.nats(x, x + noise) == pytest.approx(math.log(2), abs=0.15)
    assert "network.net.0.weight" in term.state_dict()
    weight = torch.ones((), requires_grad=True)
    term(x, weight * x + noise).backward()
    assert float(weight.grad) > 0


def test_rows_and_broadcasting_give_the_same_scores():
    torch.manual_seed(0)
    own, x, y = Concatenating(2, 3), torch.randn(5, 2), torch.randn(4, 3)
    critic = broadcasting(own, 2, 3)
    assert isinstance(critic, RowCritic) and own.training
    scores = critic(x[:, None], y[None])
    assert scores.shape == (5, 4)
    torch.testing.assert_close(scores[2, 3], own(x[2:3], y[3:4])[0, 0])
    assert critic(x[:4], y).shape == (4,)
    ours = BilinearCritic(2, 3)
    assert broadcasting(ours, 2, 3) is ours

    class Broadcasts(BilinearCritic):
        pass

    mine = Broadcasts(2, 3)
    assert broadcasting(mine, 2, 3) is mine


@pytest.mark.usefixtures("as_users_run_it")
def test_a_critic_that_scores_no_rows_is_refused_with_what_to_return():
    with pytest.raises(OptionError, match=r"one score for each row, .* it returned \(2, 2, 1\)"):
        Information(Concatenating(2, 2, columns=2)).learn(*samples())
    with pytest.raises(OptionError, match=r"`critic` fails on x of shape \(2, 2\) and y of shape"):
        Information(Concatenating(1, 1)).learn(*samples())
    x = samples(60)[0].numpy()
    with pytest.raises(OptionError, match="one score for each row"):
        mineral.MINE(critic=lambda a, b: Concatenating(a, b, columns=2)).estimate(x, x + x[::-1])


@pytest.mark.parametrize("estimator", [mineral.MINE, mineral.TUBA])
def test_estimators_take_a_critic_that_concatenates_and_its_model_is_saved(estimator, tmp_path):
    x, noise = (v.numpy() for v in samples(600))
    options = {"steps": 200, "batch_size": 64, "folds": 2, "learning_rate": 0.02}
    found = estimator(critic=Concatenating, **options).estimate(x, x + noise)
    assert found.value == pytest.approx(math.log(2), abs=0.25)  # standard error 0.05
    found.model.save(tmp_path / "model")
    again = mineral.load(tmp_path / "model", critic=Concatenating)
    assert (again.pmi(x, x + noise) == found.model.pmi(x, x + noise)).all()


# Several processes

WORKER = """
import sys, torch
from torch import distributed, nn
from mineral.critics import JointCritic
from mineral.learning import Information
rank, path, bound = int(sys.argv[1]), sys.argv[2], sys.argv[3]
torch.set_num_threads(1)
distributed.init_process_group("gloo", init_method=f"file://{path}", rank=rank, world_size=2)
torch.manual_seed(rank)  # other initial weights and other samples in each process
information = Information(JointCritic(1, 1, hidden=(8,)), bound, learning_rate=1e-2)
for _ in range(5):
    x = torch.randn(32, 1)
    information.learn(x, x + torch.randn(32, 1))
information._before_learning()  # buffers follow at the next step
state = [*information.parameters(), *information.buffers()]
numbers = torch.cat([value.detach().flatten() for value in state])
both = [torch.empty_like(numbers) for _ in range(2)]
distributed.all_gather(both, numbers)
assert torch.equal(*both), both
distributed.destroy_process_group()
"""


@pytest.mark.slow
@pytest.mark.parametrize("bound", ["mine", "infonce"])
def test_critics_of_several_processes_stay_in_step(bound, tmp_path):
    workers = [
        subprocess.Popen(
            [sys.executable, "-c", WORKER, str(rank), str(tmp_path / "store"), bound],
            stderr=subprocess.PIPE,
            text=True,
        )
        for rank in range(2)
    ]
    for worker in workers:
        _, errors = worker.communicate(timeout=120)
        assert worker.returncode == 0, errors


def test_gradients_of_several_processes_are_averaged(monkeypatch):
    from mineral.learning import information as module

    def doubled(tensor):
        tensor.mul_(2)  # two processes of the same samples

    torch.manual_seed(0)
    alone = Information(JointCritic(2, 2))
    together = copy.deepcopy(alone)
    x, noise = samples()
    alone.learn(x, x + noise)
    monkeypatch.setattr(module, "_processes", lambda: 2)
    monkeypatch.setattr(module.distributed, "all_reduce", doubled)
    monkeypatch.setattr(module.distributed, "broadcast", lambda tensor, src: None)
    together.learn(x, x + noise)
    for value, expected in zip(together.parameters(), alone.parameters(), strict=True):
        torch.testing.assert_close(value, expected)

"""A killed training goes on from its checkpoint and ends with exactly the same numbers."""

import contextlib
import json

import numpy as np
import pytest
import torch
from cases import check_all
from safetensors import safe_open
from torch import nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from mineral.critics import JointCritic
from mineral.errors import InputError, OptionError
from mineral.experiments.checkpoints import FILE, Checkpoint
from mineral.learning import Information
from mineral.system.chance import Chance, seeded


class Killed(BaseException):
    """As by a signal: nothing catches it."""


def train(folder, *, stop_at=None, steps=12):
    """Everything that may change: dropout, batch norm, Adam, a schedule, an average, a critic."""
    with seeded(0):
        network = nn.Sequential(
            nn.Linear(2, 4), nn.BatchNorm1d(4), nn.Dropout(0.3), nn.Linear(4, 1)
        )
        information = Information(JointCritic(2, 1, hidden=(4,)), learning_rate=1e-2)
        optimizer = torch.optim.Adam(network.parameters(), lr=0.05)
        schedule = torch.optim.lr_scheduler.ExponentialLR(optimizer, 0.9)
        average = AveragedModel(network, multi_avg_fn=get_ema_multi_avg_fn(0.9))
        rng, chance = np.random.default_rng(1), torch.Generator().manual_seed(2)
        notes, best = [], {}
        checkpoint = Checkpoint(
            folder,
            network=network,
            information=information,
            optimizer=optimizer,
            schedule=schedule,
            average=average,
            rng=rng,
            chance=chance,
            notes=notes,
            best=best,
        )
        for step in checkpoint.steps(steps, every=5):
            x = torch.from_numpy(rng.standard_normal((8, 2))).float()
            noise = torch.randn(8, 1, generator=chance)
            information.learn(x, network(x) + noise)
            z = network(x) + noise
            loss = (z**2).mean() - information(x, z)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
            average.update_parameters(network)
            notes.append(loss.item())
            if not best or notes[-1] < best["loss"]:
                best.update(loss=notes[-1], at=(step, True), weights=network[0].weight.clone())
            if step == stop_at:
                raise Killed
        return notes, best, network.state_dict(), average.state_dict(), optimizer.state_dict()


def test_a_killed_training_ends_as_an_undisturbed_one(tmp_path):
    whole = train(tmp_path / "whole")

    def check(stop_at):
        folder = tmp_path / f"killed-{stop_at}"
        with pytest.raises(Killed):
            train(folder, stop_at=stop_at)
        resumed = train(folder)
        assert len(resumed[0]) == 12
        torch.testing.assert_close(resumed, whole, rtol=0, atol=0)

    check_all(check, [3, 5, 9, 11])


@pytest.mark.parametrize("how", ["active", "named", "held", "global"])
def test_draws_go_on_wherever_they_come_from(tmp_path, how):
    def draw(folder, *, stop_at=None):
        drawn, module, own = [], nn.Identity(), Chance(1)
        parts = {"named": {"own": own}, "global": {"own": torch.default_generator}}.get(how, {})
        module.chance = own if how == "held" else None
        around = {"active": seeded(1), "global": contextlib.nullcontext()}.get(how, seeded(0))
        torch.default_generator.manual_seed(2)
        with around:
            for step in Checkpoint(folder, module=module, drawn=drawn, **parts).steps(6, every=2):
                with own.step() if how in ("named", "held") else contextlib.nullcontext():
                    drawn.append(torch.rand(()).item())
                if step == stop_at:
                    break
        return drawn

    with torch.random.fork_rng(devices=[]):
        draw(tmp_path / "killed", stop_at=3)
        resumed, whole = draw(tmp_path / "killed"), draw(tmp_path / "whole")
    assert resumed == whole and len(set(whole)) == 6


def test_a_finished_training_is_not_done_again(tmp_path):
    first = train(tmp_path)
    again = train(tmp_path)  # no step is left: only what was noted and learned
    torch.testing.assert_close(first, again, rtol=0, atol=0)


def test_the_test_above_sees_what_is_left_out(tmp_path):
    # Momentum matters: without the optimizer's state the numbers differ.
    def descend(*, with_optimizer, stop_at=None, folder):
        weight = nn.Linear(1, 1, bias=False)
        weight.weight.data.fill_(1)
        optimizer = torch.optim.SGD(weight.parameters(), lr=0.1, momentum=0.9)
        parts = {"optimizer": optimizer} if with_optimizer else {}
        for step in Checkpoint(folder, weight=weight, **parts).steps(4, every=2):
            optimizer.zero_grad()
            weight.weight.square().sum().backward()
            optimizer.step()
            if step == stop_at:
                return None
        return weight.weight.item()

    found = []
    for name, with_optimizer in (("a", True), ("b", False)):
        descend(with_optimizer=with_optimizer, stop_at=2, folder=tmp_path / name)
        found.append(descend(with_optimizer=with_optimizer, folder=tmp_path / name))
    whole = descend(with_optimizer=True, folder=tmp_path / "c")
    assert found[0] == whole != found[1]


def test_steps_begin_at_zero_and_save_as_they_go(tmp_path):
    checkpoint = Checkpoint(tmp_path / "a" / "b", notes=[])
    assert checkpoint.restore() == 0 and not checkpoint.path.exists()
    saved = []
    for step in checkpoint.steps(5, every=2):
        saved.append((step, Checkpoint(tmp_path / "a" / "b", notes=[]).restore()))
    assert saved == [(0, 0), (1, 0), (2, 2), (3, 2), (4, 4)]
    assert checkpoint.restore() == 5
    assert [path.name for path in checkpoint.path.parent.iterdir()] == [FILE]
    checkpoint.remove()
    assert not (tmp_path / "a" / "b").exists() and (tmp_path / "a").exists()
    checkpoint.remove()


def test_a_folder_with_something_else_stays(tmp_path):
    checkpoint = Checkpoint(tmp_path / "a", notes=[1])
    checkpoint.save(1)
    (tmp_path / "a" / "results.txt").write_text("mine")
    checkpoint.remove()
    assert [path.name for path in (tmp_path / "a").iterdir()] == ["results.txt"]


def test_the_file_is_safetensors_and_json(tmp_path):
    Checkpoint(tmp_path, network=nn.Linear(2, 1), rng=np.random.default_rng(0)).save(7)
    with safe_open(tmp_path / FILE, framework="pt") as file:
        header = json.loads(file.metadata()["mineral"])
        assert sorted(tuple(file.get_tensor(name).shape) for name in file.keys()) == [(1,), (1, 2)]  # noqa: SIM118
    assert header["step"] == 7


@pytest.mark.parametrize(
    "other",
    [
        {"network": nn.Linear(3, 1)},
        {"network": nn.Linear(2, 1), "notes": []},
        {"critic": nn.Linear(2, 1)},
        {"network": torch.Generator()},
        {"network": Information(JointCritic(1, 1))},
    ],
)
def test_a_checkpoint_of_another_training_is_refused(tmp_path, other):
    Checkpoint(tmp_path, network=nn.Linear(2, 1)).save(3)
    with pytest.raises(
        InputError, match=r"not a checkpoint of this training .* delete it"
    ) as refusal:
        Checkpoint(tmp_path, **other).restore()
    assert "\n" not in str(refusal.value)


def test_a_checkpoint_of_another_source_of_draws_is_refused(tmp_path):
    with seeded(0):
        Checkpoint(tmp_path / "a", notes=[]).save(3)
    Checkpoint(tmp_path / "b", notes=[]).save(3)
    with pytest.raises(InputError, match=r"\(saved inside of a `Chance`\)"):
        Checkpoint(tmp_path / "a", notes=[]).restore()
    with seeded(0), pytest.raises(InputError, match=r"\(saved outside of a `Chance`\)"):
        Checkpoint(tmp_path / "b", notes=[]).restore()


@pytest.mark.parametrize("content", [b"", b"no file", bytes(100)], ids=["empty", "text", "zeros"])
def test_a_damaged_file_is_refused(tmp_path, content):
    (tmp_path / FILE).write_bytes(content)
    with pytest.raises(InputError, match="not a checkpoint of this training"):
        Checkpoint(tmp_path, notes=[]).restore()


@pytest.mark.usefixtures("as_users_run_it")
def test_what_cannot_be_kept_is_refused(tmp_path):
    with pytest.raises(OptionError, match="`count` must be a module"):
        Checkpoint(tmp_path, count=3)
    with pytest.raises(OptionError, match="tensors, numbers and texts, got set"):
        Checkpoint(tmp_path, notes=[{1}]).save(0)
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="Cannot write"):
        Checkpoint(tmp_path / "file", notes=[]).save(0)


def test_what_a_module_saves_by_itself_is_stored_once(tmp_path):
    information = Information(JointCritic(1, 1, hidden=(4,)))
    information.learn(torch.arange(8.0)[:, None], torch.arange(8.0)[:, None])
    checkpoint = Checkpoint(tmp_path, information=information)
    checkpoint.save(1)
    with safe_open(checkpoint.path, "pt") as file:
        stored = sum(file.get_tensor(key).numel() for key in file.keys())  # noqa: SIM118
    weights = sum(each.numel() for each in information.network.parameters())
    count = len(list(information.network.parameters()))
    # Adam has two averages of each weight, and a step of each tensor.
    own = sum(b.numel() for b in information.buffers())
    assert stored == 3 * weights + count + own

"""`Information` over several processes, in half precision, and in other people's training loops."""

import copy
import math
import os
import socket
import subprocess
import sys

import pytest
import torch
from conftest import params
from torch import nn

from mineral.bounds import BOUNDS
from mineral.critics import JointCritic
from mineral.learning import Information, UpperInformation

# Several processes

WORKER = """
import copy, math, os, sys
import torch
from torch import distributed, nn
from torch.nn.parallel import DistributedDataParallel
from mineral.critics import JointCritic
from mineral.errors import InputError
from mineral.learning import Information, UpperInformation

ROWS, WORLD = 16, 2


class Rows(nn.Module):
    "A critic that does not broadcast."

    def __init__(self):
        super().__init__()
        self.net = nn.Sequential(nn.Linear(2, 8), nn.Tanh(), nn.Linear(8, 1))

    def forward(self, x, z):
        return self.net(torch.cat([x, z], dim=1))


def term(kind, **options):
    torch.manual_seed(1)
    if kind == "club":
        found = UpperInformation.gaussian(1, 1, **options)
    elif kind == "rows":
        found = Information(Rows(), "nwj", **options)
    else:
        found = Information(JointCritic(1, 1, hidden=(8,)), kind, **options)
    return found.double()


def train(information, encoder, x, y):
    "Two steps of critic and encoder; the values, and the gradients of the last step."
    optimizer, values = torch.optim.SGD(encoder.parameters(), lr=0.1), []
    for _ in range(2):
        z = encoder(x)
        w = y + 0.5 * z  # gradients reach both sides
        values.append(information.learn(z, w))
        loss = -information(z, w)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        values.append(loss.item())
    values.append(information.nats(encoder(x).detach(), y))
    state = [*information.parameters(), *information.buffers()]
    learned = torch.cat([each.detach().flatten() for each in state])
    gradient = torch.cat([each.grad.flatten() for each in encoder.parameters()])
    return torch.tensor(values), gradient, learned


rank = int(os.environ["RANK"])
distributed.init_process_group("gloo")
generator = torch.Generator().manual_seed(0)
x, noise = torch.randn(2, WORLD * ROWS, 1, dtype=torch.float64, generator=generator)
y = x + noise
own = slice(rank * ROWS, (rank + 1) * ROWS)
for kind in sys.argv[1:]:
    for partners in (5, 1000):
        torch.manual_seed(2)
        encoder = nn.Sequential(nn.Linear(1, 4), nn.Tanh(), nn.Linear(4, 1)).double()
        alone = copy.deepcopy(encoder)
        gathered = term(kind, partners=partners, gather=True)
        found = train(gathered, DistributedDataParallel(encoder), x[own], y[own])
        # Without `gather`, no process hears of the others: learn averages the same gradients.
        whole = train(term(kind, partners=partners), alone, x, y)
        for ours, expected in zip(found, whole, strict=True):
            torch.testing.assert_close(ours, expected, rtol=1e-9, atol=1e-9)

# The ceiling is that of the joined batch: log 32 above log 16.
pairs = torch.arange(2.0 * ROWS, dtype=torch.float64)[:, None]


class Equal(nn.Module):
    "The best critic of a copy."

    def __init__(self):
        super().__init__()
        self.scale = nn.Parameter(torch.tensor(1000.0, dtype=torch.float64))

    def forward(self, x, z):
        return -self.scale * (x - z).squeeze(-1).square()


for gather, rows in ((False, ROWS), (True, WORLD * ROWS)):
    information = Information(Equal(), "infonce", partners=1000, gather=gather)
    assert abs(information.nats(pairs[own], pairs[own]) - math.log(rows)) < 1e-9

try:
    Information(Equal(), "infonce", gather=True).learn(pairs[: 8 + rank], pairs[: 8 + rank])
except InputError as error:
    assert "got [8, 9]" in str(error), error
else:
    raise AssertionError("unequal batches were accepted")
distributed.destroy_process_group()
"""


def run_together(script, *arguments, port):
    """Run a script in two processes, as `torchrun` does."""
    workers = []
    for rank in range(2):
        environment = os.environ | {
            "RANK": str(rank),
            "LOCAL_RANK": str(rank),
            "WORLD_SIZE": "2",
            "MASTER_ADDR": "127.0.0.1",
            "MASTER_PORT": str(port),
            "OMP_NUM_THREADS": "1",
        }
        command = [sys.executable, "-c", script, *arguments]
        workers.append(
            subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True)
        )
    for worker in workers:
        _, errors = worker.communicate(timeout=300)
        assert worker.returncode == 0, errors


def free_port():
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return found.getsockname()[1]


@pytest.mark.slow
def test_gathered_batches_of_two_processes_have_the_gradient_of_one():
    run_together(WORKER, "mine", "infonce", "js", "rows", "club", port=free_port())


def test_one_process_gathers_nothing():
    torch.manual_seed(0)
    alone = Information(JointCritic(1, 1, hidden=(8,)))
    gathering = Information(JointCritic(1, 1, hidden=(8,)), gather=True)
    gathering.load_state_dict(copy.deepcopy(alone.state_dict()))
    x, noise = torch.randn(2, 32, 1)
    assert alone.learn(x, x + noise) == gathering.learn(x, x + noise)
    assert torch.equal(alone(x, x + noise), gathering(x, x + noise))


# Half precision

WITH_BOTH = [
    name
    for name, entry in BOUNDS.items()
    if entry.takes == ("joint", "product")
    and entry.objective is not None
    and not name.startswith("vclub")
]


def term_of(kind, **options):
    torch.manual_seed(0)
    if kind == "club":
        return UpperInformation.gaussian(2, 2, **options)
    return Information(JointCritic(2, 2, hidden=(32,)), kind, **options)


def samples(n=256, seed=0):
    return torch.randn(2, n, 2, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("kind", params([*WITH_BOTH, "club"], ["mine", "infonce", "club"]))
def test_terms_learn_under_autocast_as_without(kind):
    single, half = (term_of(kind, learning_rate=1e-2) for _ in range(2))
    encoder = nn.Linear(2, 2)
    for step in range(60):
        x, noise = samples(seed=step)
        single.learn(x, x + noise)
        with torch.autocast("cpu", dtype=torch.bfloat16):
            assert math.isfinite(half.learn(x, encoder(x).detach() * 0 + x + noise))
    x, noise = samples(4000, seed=1000)
    # Weights move apart as bfloat16 rounds scores by 0.4 %; 0.1 is a tenth of what is learned.
    assert half.nats(x, x + noise) == pytest.approx(single.nats(x, x + noise), abs=0.1)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        code = encoder(x)  # bfloat16
        loss = half(x, code)
    assert loss.dtype == torch.float32
    loss.backward()
    assert all(torch.isfinite(p.grad).all() and p.grad.any() for p in encoder.parameters())
    assert all(p.grad is None for p in half.parameters())


def test_terms_of_half_precision_networks_learn():
    information = Information(JointCritic(2, 2, hidden=(16,)).bfloat16(), "infonce")
    x, noise = samples(64)
    assert math.isfinite(information.learn(x, x + noise))
    assert information(x, x + noise).dtype == torch.float32


# Other people's loops


def gains(train):
    """Nats of a code of four columns, two of which inform, before and after training."""
    torch.manual_seed(0)
    encoder, information = nn.Linear(4, 2), Information(JointCritic(2, 2), learning_rate=1e-2)
    with torch.no_grad():
        encoder.weight.zero_()
        encoder.weight[:, 2:] = torch.eye(2)  # starts from the columns that do not inform

    def draw(n, seed):
        generator = torch.Generator().manual_seed(seed)
        x = torch.randn(n, 4, generator=generator)
        return x, x[:, :2] + 0.5 * torch.randn(n, 2, generator=generator)

    train(encoder, information, [draw(256, seed) for seed in range(100)])
    x, y = draw(4000, 1000)
    return information.nats(encoder(x).detach(), y)


def in_plain_torch(encoder, information, batches):
    optimizer = torch.optim.Adam(encoder.parameters(), lr=0.03)
    for x, y in batches:
        z = encoder(x)
        information.learn(z, y)
        loss = -information(z, y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()


def in_lightning(encoder, information, batches, precision="32-true"):
    lightning = pytest.importorskip("lightning.pytorch")

    class Model(lightning.LightningModule):
        def __init__(self):
            super().__init__()
            self.encoder, self.information = encoder, information

        def training_step(self, batch, _):
            x, y = batch
            z = self.encoder(x)
            self.information.learn(z, y)
            return -self.information(z, y)

        def configure_optimizers(self):
            return torch.optim.Adam(self.encoder.parameters(), lr=0.03)

    trainer = lightning.Trainer(
        max_epochs=1,
        accelerator="cpu",
        precision=precision,
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
    )
    trainer.fit(Model(), torch.utils.data.DataLoader(batches, batch_size=None))


def in_lightning_at_half_precision(*given):
    in_lightning(*given, precision="bf16-mixed")


@pytest.mark.filterwarnings("ignore")  # Lightning's own
@pytest.mark.parametrize(
    "train",
    [
        in_plain_torch,
        in_lightning,
        pytest.param(in_lightning_at_half_precision, marks=pytest.mark.slow),
    ],
)
def test_an_encoder_learns_what_informs(train):
    # 0 nats at the start, and log(1 + 4) = 1.6 at best, from the two columns that inform.
    assert 0.8 < gains(train) < 1.8

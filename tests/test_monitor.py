"""The Lightning callback: what it logs, and that the network never notices."""

import importlib
import math
import sys

import numpy as np
import pytest
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from mineral.errors import InputError, MissingExtraError, OptionError

pytest.importorskip("lightning")

from lightning.pytorch import LightningModule, Trainer

from mineral.learning.monitor import InformationMonitor

pytestmark = [  # Lightning's own, none of them about the callback
    pytest.mark.filterwarnings("ignore:.*does not have many workers.*"),
    pytest.mark.filterwarnings("ignore:.*is smaller than the logging interval.*"),
    pytest.mark.filterwarnings("ignore:.*isinstance.treespec, LeafSpec.*"),
    pytest.mark.filterwarnings("ignore:.*GPU available but not used.*"),
]
NOISE = 0.5


class Noisy(nn.Module):
    """Adds noise of its own generator, in training and after it."""

    def __init__(self):
        super().__init__()
        self.generator = torch.Generator().manual_seed(0)

    def forward(self, x):
        return x + NOISE * torch.randn(x.shape, generator=self.generator)


class Net(LightningModule):
    """z = x + noise, which no training changes; the head learns."""

    def __init__(self):
        super().__init__()
        self.encoder = nn.Sequential(nn.Identity(), Noisy(), nn.Dropout(0.0))
        self.head = nn.Linear(1, 1)
        self.pair = nn.LSTM(1, 1)
        self.modes = []

    def training_step(self, batch, _index):
        (x,) = batch
        return (self.head(self.encoder(x)) - x).square().mean()

    def validation_step(self, batch, _index):
        self.modes.append(self.training)
        self.log("loss", self.training_step(batch, 0))

    def configure_optimizers(self):
        return torch.optim.SGD(self.head.parameters(), lr=0.1)


def loader(n, seed):
    x = torch.randn(n, 1, generator=torch.Generator().manual_seed(seed))
    return DataLoader(TensorDataset(x), batch_size=100)


def trained(tmp_path, *callbacks, epochs=2, validation=1000, net=None, validate=True):
    torch.manual_seed(0)
    net = Net() if net is None else net
    trainer = Trainer(
        max_epochs=epochs,
        callbacks=list(callbacks),
        accelerator="cpu",
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        default_root_dir=tmp_path,
    )
    trainer.fit(net, loader(200, 1), loader(validation, 2) if validate else None)
    return net, trainer


def hooks(model):
    return [len(module._forward_hooks) for module in model.modules()]


def test_it_logs_the_information_and_its_interval(tmp_path):
    monitor = InformationMonitor("encoder.0", "encoder.1", estimator="gaussian")
    _, trainer = trained(tmp_path, monitor)
    logged = {name: float(value) for name, value in trainer.callback_metrics.items()}
    name = "information/encoder.0;encoder.1"
    truth = math.log1p(1 / NOISE**2) / 2
    # 1000 rows: a standard error of ρ / √n = 0.03.
    assert logged[name] == pytest.approx(truth, abs=0.12)
    assert logged[f"{name}/low"] < logged[name] < logged[f"{name}/high"]
    assert [reading.epoch for reading in monitor.readings] == [0, 1]  # and not the sanity check
    last = monitor.readings[-1]
    assert (last.value, last.low, last.high) == pytest.approx(
        (logged[name], logged[f"{name}/low"], logged[f"{name}/high"]), rel=1e-6
    )


def test_the_network_never_notices(tmp_path):
    def peek(model, batch):
        assert not torch.is_grad_enabled()
        return model.head(batch[0]) + torch.randn(1)  # from the global generator

    def left(*callbacks):
        net, _ = trained(tmp_path, *callbacks)
        of_numpy = np.random.get_state()[1]  # noqa: NPY002
        return net.state_dict(), torch.get_rng_state(), of_numpy, net.modes, hooks(net)

    alone, watched = left(), left(InformationMonitor("head", peek, estimator="ksg"))
    for was, now in zip(alone[0].values(), watched[0].values(), strict=True):
        assert torch.equal(was, now)
    assert torch.equal(alone[1], watched[1]) and (alone[2] == watched[2]).all()
    assert alone[3] == watched[3] == [False] * len(alone[3])
    assert alone[4] == watched[4] and not any(watched[4])


def test_epochs_are_left_out_and_functions_of_the_batch_serve(tmp_path):
    monitor = InformationMonitor(
        lambda model, batch: batch[0],
        lambda model, batch: model.encoder(batch[0]),
        every_n_epochs=2,
        estimator="ksg",
        name="code",
    )
    _, trainer = trained(tmp_path, monitor, epochs=4)
    assert [reading.epoch for reading in monitor.readings] == [1, 3]
    assert "information/code/high" in trainer.callback_metrics
    assert InformationMonitor(peeked := len, "head").name == "x;head" and callable(peeked)


def test_no_more_rows_than_asked_for_from_all_over_the_validation_set():
    from mineral.learning.monitor import _Kept

    kept, every = _Kept(300, seed=0), np.arange(10_000.0)[:, None]
    for part in np.array_split(every, 40):
        kept.add({"x": part, "z": -part})
    assert len(kept.rows["x"]) == 300 and (kept.rows["x"] == -kept.rows["z"]).all()
    assert len(np.unique(kept.rows["x"])) == 300
    # The mean of 300 of 0, …, 9999: a standard error of 2887 / √300 = 167.
    assert kept.rows["x"].mean() == pytest.approx(5000, abs=4 * 167)


@pytest.mark.parametrize(
    ("names", "says"),
    [
        (
            ("encoder.0", "encoder.9"),
            r"`z` 'encoder.9' is not a module of Net. Did you mean 'encoder",
        ),
        (("haed", "encoder.1"), r"`x` 'haed' is not a module of Net. Did you mean 'head'\?"),
        (("", "encoder.1"), r"`x` '' is not a module of Net."),
    ],
)
def test_an_unknown_module_is_refused_before_training(tmp_path, names, says):
    net = Net()
    with pytest.raises(OptionError, match=says):
        trained(tmp_path, InformationMonitor(*names), net=net)
    assert not net.modes


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"every_n_epochs": 0}, "`every_n_epochs` must be at least 1, got 0"),
        ({"rows": 5}, "`rows` must be at least 10, got 5"),
        ({"estimator": "ksgg"}, "Did you mean 'ksg'"),
    ],
)
def test_a_wrong_option_is_refused(options, says):
    with pytest.raises(OptionError, match=says):
        InformationMonitor("a", "b", **options)


class Recurrent(Net):
    def validation_step(self, batch, _index):
        self.pair(batch[0])


@pytest.mark.parametrize(
    ("net", "taps", "says"),
    [
        (Recurrent, ("pair", "head"), "`x` 'pair' returns tuple and no tensor"),
        (Net, ("head", "pair"), "`z` 'pair' is not called in validation"),
        (
            Net,
            ("head", lambda _, batch: batch[0][:5]),
            "must have the same number of rows .* 100 and 5",
        ),
    ],
)
def test_what_cannot_be_taken_is_refused_and_leaves_no_hook(tmp_path, net, taps, says):
    net = net()
    with pytest.raises(InputError, match=says):
        trained(tmp_path, InformationMonitor(*taps), net=net)
    assert not any(hooks(net))


def test_a_network_that_cannot_be_measured_trains_on(tmp_path):
    def nothing(_model, batch):
        return torch.full_like(batch[0], math.nan)

    monitor = InformationMonitor("head", nothing, estimator="ksg")
    with pytest.warns(UserWarning, match="information/head;z cannot be computed"):
        trained(tmp_path, monitor)
    assert len(monitor.readings) == 2 and all(math.isnan(r.value) for r in monitor.readings)
    assert monitor.readings[0].doubts


def test_without_lightning_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "lightning.pytorch", None)
    monkeypatch.delitem(sys.modules, "mineral.learning.monitor")
    with pytest.raises(
        MissingExtraError, match=r"`InformationMonitor` needs .*mineral\[lightning\]"
    ):
        importlib.import_module("mineral.learning.monitor")

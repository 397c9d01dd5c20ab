"""What was learned: it scores new pairs, is kept in a file, and comes back only if it is whole."""

import json
import os
import pickle
import struct
import time
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load as tensors_of
from safetensors.torch import save as to_safetensors
from torch import nn

import mineral
from mineral.critics import JointCritic, SeparableCritic
from mineral.errors import InputError, InputTypeError, MineralError, OptionError
from mineral.methods.neural import MINE, InfoNCE

TRUTH = -np.log(1 - 0.8**2) / 2  # nats, of normals with correlation 0.8


def draw(n, seed):
    rng = np.random.default_rng(seed)
    x = rng.standard_normal(n)
    return x, 0.8 * x + 0.6 * rng.standard_normal(n)


class Bilinear(nn.Module):
    """A critic of one's own: it can be the log density ratio of a Gaussian, exactly."""

    def __init__(self, dim_x, dim_y):
        super().__init__()
        self.weight = nn.Parameter(torch.randn(dim_x, dim_y) / 10)
        self.bend = nn.Parameter(torch.zeros(2))
        self.register_buffer("seen", torch.zeros((), dtype=torch.int64))

    def forward(self, x, y):
        squares = self.bend[0] * (x**2).sum(-1) + self.bend[1] * (y**2).sum(-1)
        return squares + ((x @ self.weight) * y).sum(-1)


def trained(estimator, critic, **options):
    short = {"steps": 150, "batch_size": 128, "learning_rate": 0.01, "folds": 2}
    return estimator(critic=critic, **(short | options)).estimate(*draw(400, 0)).model


@pytest.fixture(scope="module")
def models():
    pair = draw(400, 0)
    return {
        "gaussian": mineral.Gaussian().estimate(*pair).model,
        "copula": mineral.GaussianCopula().estimate(*pair).model,
        "joint": trained(MINE, partial(JointCritic, hidden=(16, 8))),
        "separable": trained(InfoNCE, partial(SeparableCritic, hidden=(16,), features=4)),
        "own": trained(MINE, Bilinear),
    }


@pytest.fixture(params=["gaussian", "copula", "joint", "separable", "own"])
def model(request, models):
    return models[request.param]


def read(path, model):
    own = model.kind == "critics" and isinstance(model.members[0].critic, Bilinear)
    return mineral.load(path, critic=Bilinear if own else None)


@pytest.mark.parametrize("name", ["gaussian", "copula", "joint", "own"])
def test_on_new_pairs_the_mean_pmi_is_the_mutual_information(models, name):
    # Beside the noise of the new pairs, what 400 pairs could not teach: the standard error of a
    # Gaussian's estimate is there ρ / √n = 0.04, and small networks learn a little less.
    pmi = models[name].pmi(*draw(5000, 1))
    slack = 0.12 if name in ("gaussian", "copula") else 0.2
    assert pmi.mean() == pytest.approx(TRUTH, abs=slack + 3 * pmi.std() / 5000**0.5)


@pytest.mark.parametrize("name", ["gaussian", "copula", "joint"])
def test_pmi_is_the_log_density_ratio(models, name):
    rho, (x, y) = 0.8, draw(1000, 2)
    log_joint = -(x**2 + y**2 - 2 * rho * x * y) / (2 * (1 - rho**2)) - np.log(1 - rho**2) / 2
    log_product = -(x**2 + y**2) / 2
    error = models[name].pmi(x, y) - (log_joint - log_product)
    assert np.median(np.abs(error)) < (0.3 if name == "joint" else 0.05)


@pytest.mark.parametrize("name", ["gaussian", "copula", "joint", "own"])
def test_the_exponential_of_pmi_is_a_density_ratio(models, name):
    # E_q[exp pmi] = 1, over pairs drawn by chance.
    x, y = draw(4000, 3)
    ratio = np.exp(models[name].pmi(x, np.roll(y, 1)))
    assert ratio.mean() == pytest.approx(1, abs=0.15 + 3 * ratio.std() / 4000**0.5)


@pytest.mark.xfail(strict=True, reason="InfoNCE learns pmi + c(x), and c is not taken off")
def test_pmi_from_infonce_is_a_density_ratio_too(models):
    x, y = draw(4000, 3)
    ratio = np.exp(models["separable"].pmi(x, np.roll(y, 1)))
    assert ratio.mean() == pytest.approx(1, abs=0.15 + 3 * ratio.std() / 4000**0.5)


def test_pairs_are_scored_each_by_itself(model):
    x, y = draw(50, 4)
    together = model.pmi(x, y)
    assert together.shape == (50,) and together.dtype == np.float64
    assert np.isfinite(together).all()
    assert model.pmi(x[7:8], y[7:8]) == pytest.approx(together[7:8], rel=1e-5)
    order = np.random.default_rng(0).permutation(50)
    assert model.pmi(x[order], y[order]) == pytest.approx(together[order], rel=1e-5)


def test_new_pairs_may_come_in_any_form(model):
    x, y = draw(50, 4)
    for form in (torch.tensor, list, lambda v: v[:, None]):
        assert np.array_equal(model.pmi(form(x), form(y)), model.pmi(x, y))


def test_pairs_far_outside_the_samples_have_a_finite_pmi(model):
    far = np.array([-1e6, 0.0, 1e6])
    assert np.isfinite(model.pmi(far, far[::-1])).all()


def test_pairs_that_cannot_be_scored_are_refused(model):
    refusals = [
        ((np.zeros((3, 2)), np.zeros(3)), InputError, "`x` must have the 1 coordinates .*, got 2"),
        ((np.zeros(3), np.zeros((3, 4))), InputError, "`y` must have the 1 coordinates .*, got 4"),
        ((np.array([0, np.nan]), np.zeros(2)), InputError, "`x` has values that are not finite"),
        ((np.zeros(2), np.array([np.inf, 0])), InputError, "`y` has values that are not finite"),
        ((np.zeros(2), np.zeros(3)), InputError, "got 2 rows of `x` and 3 of `y`"),
        ((["a"], [1.0]), InputTypeError, "`x` is of type <U1, not numbers"),
    ]
    for pair, error, message in refusals:
        with pytest.raises(error, match=message):
            model.pmi(*pair)


def test_what_is_saved_is_what_is_loaded(model, tmp_path):
    pair = draw(200, 5)
    model.save(tmp_path / "a.safetensors")
    loaded = read(tmp_path / "a.safetensors", model)
    assert np.array_equal(loaded.pmi(*pair), model.pmi(*pair))
    assert (loaded.kind, loaded.dim_x, loaded.dim_y) == (model.kind, 1, 1)
    loaded.save(str(tmp_path / "b.safetensors"))
    assert (tmp_path / "a.safetensors").read_bytes() == (tmp_path / "b.safetensors").read_bytes()


def test_models_of_several_coordinates_are_kept_too(tmp_path):
    rng = np.random.default_rng(0)
    x = rng.standard_normal((300, 3))
    y = x[:, :2] + rng.standard_normal((300, 2))
    estimators = [
        mineral.Gaussian(),
        mineral.GaussianCopula(),
        MINE(critic=partial(SeparableCritic, hidden=()), steps=5, batch_size=64),
        MINE(critic=partial(JointCritic, hidden=(4, 5, 6)), steps=5, batch_size=64),
    ]
    for estimator in estimators:
        model = estimator.estimate(x, y).model
        model.save(tmp_path / "a")
        loaded = mineral.load(tmp_path / "a")
        assert (loaded.dim_x, loaded.dim_y) == (3, 2)
        assert np.array_equal(loaded.pmi(x, y), model.pmi(x, y))


def test_a_critic_in_double_precision_is_kept_so(tmp_path):
    model = trained(MINE, lambda dx, dy: JointCritic(dx, dy, hidden=(8,)).double(), steps=5)
    model.save(tmp_path / "a")
    assert np.array_equal(mineral.load(tmp_path / "a").pmi(*draw(9, 1)), model.pmi(*draw(9, 1)))


def test_tied_weights_can_be_saved(tmp_path):
    class Tied(Bilinear):
        def __init__(self, dim_x, dim_y):
            super().__init__(dim_x, dim_y)
            self.again = self.weight

    model = trained(MINE, Tied, steps=5)
    model.save(tmp_path / "a")
    loaded = mineral.load(tmp_path / "a", critic=Tied)
    assert np.array_equal(loaded.pmi(*draw(9, 1)), model.pmi(*draw(9, 1)))


def test_the_marginals_of_many_samples_are_kept_in_a_thousand_knots(tmp_path):
    model = mineral.GaussianCopula().estimate(*draw(20_000, 0)).model
    model.save(tmp_path / "a")
    assert (tmp_path / "a").stat().st_size < 100_000
    assert model.pmi(*draw(5000, 1)).mean() == pytest.approx(TRUTH, abs=0.05)


def test_a_critic_of_ones_own_must_be_passed_when_loading(models, tmp_path):
    models["own"].save(tmp_path / "a")
    with pytest.raises(InputError, match="trained with a critic of your own: pass `critic=`"):
        mineral.load(tmp_path / "a")
    for other in (JointCritic, lambda _dx, _dy: None, lambda dx, dy: Bilinear(dx + 1, dy)):
        with pytest.raises(OptionError, match="`critic` builds a network without the weights") as e:
            mineral.load(tmp_path / "a", critic=other)
        assert "\n" not in str(e.value)


def test_loading_leaves_the_global_generator_alone(models, tmp_path):
    before = torch.get_rng_state()
    for name in ("joint", "own"):
        models[name].save(tmp_path / "a")
        read(tmp_path / "a", models[name])
    assert torch.equal(torch.get_rng_state(), before)


def test_a_loaded_model_does_not_need_its_file(models, tmp_path):
    pair = draw(20, 1)
    models["gaussian"].save(tmp_path / "a")
    loaded = mineral.load(tmp_path / "a")
    before = loaded.pmi(*pair)
    (tmp_path / "a").write_bytes(b"\xff" * (tmp_path / "a").stat().st_size)  # in place
    assert np.array_equal(loaded.pmi(*pair), before)


def test_a_failed_save_keeps_the_old_file_and_leaves_no_other(model, tmp_path, monkeypatch):
    path = tmp_path / "a.safetensors"
    path.write_bytes(b"old")

    def full(_handle):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(InputError, match="Cannot write .*: No space left on device"):
        model.save(path)
    assert path.read_bytes() == b"old" and list(tmp_path.iterdir()) == [path]


def test_models_are_not_saved_where_there_is_no_folder(model, tmp_path):
    with pytest.raises(InputError, match="Cannot write"):
        model.save(tmp_path / "missing" / "a.safetensors")


class Bomb:
    """What a pickle can do: run code when it is read."""

    def __reduce__(self):
        return (Path.touch, (Path("exploded"),))


def settings_of(file):
    size = struct.unpack("<Q", file[:8])[0]
    return json.loads(json.loads(file[8 : 8 + size])["__metadata__"]["mineral"])


def forged(file, tensors=(), without=(), **settings):
    """A model file with some of its tensors and settings replaced."""
    kept = {name: value for name, value in tensors_of(file).items() if name not in without}
    claimed = json.dumps(settings_of(file) | settings)
    return to_safetensors(kept | dict(tensors), {"mineral": claimed})


def whole(models, name, folder):
    models[name].save(folder / "whole")
    return (folder / "whole").read_bytes()


def gaussian_file(of):
    return lambda models, folder: of(whole(models, "gaussian", folder))


def copula_file(of):
    return lambda models, folder: of(whole(models, "copula", folder))


def critic_file(of):
    return lambda models, folder: of(whole(models, "joint", folder))


NAN = torch.tensor([float("nan")], dtype=torch.float64)
ONE = torch.ones(1, dtype=torch.float64)

HOSTILE = {
    "pickle": lambda *_: pickle.dumps(Bomb()),
    "torch's own": lambda *_: b"PK\x03\x04" + b"\0" * 100,
    "empty": lambda *_: b"",
    "text": lambda *_: b"not a model at all",
    "huge header": lambda *_: struct.pack("<Q", 2**62) + b"{}",
    "long header": lambda *_: struct.pack("<Q", 50_000_000) + b"{",
    "offsets outside": lambda *_: (
        b'8\0\0\0\0\0\0\0{"a":{"dtype":"F64","shape":[9],"data_offsets":[0,72]}}'
    ),
    "truncated": gaussian_file(lambda f: f[:-8]),
    "truncated header": gaussian_file(lambda f: f[:40]),
    "longer": gaussian_file(lambda f: f + b"\0"),
    "no metadata": gaussian_file(lambda f: to_safetensors(tensors_of(f))),
    "of another program": gaussian_file(lambda f: to_safetensors(tensors_of(f), {"format": "pt"})),
    "of another version": gaussian_file(lambda f: forged(f, format=2)),
    "unknown kind": gaussian_file(lambda f: forged(f, kind="os.system")),
    "no kind": gaussian_file(lambda f: to_safetensors(tensors_of(f), {"mineral": '{"format": 1}'})),
    "other kind": gaussian_file(lambda f: forged(f, kind="critics")),
    "settings no JSON": gaussian_file(lambda f: to_safetensors(tensors_of(f), {"mineral": "__import__('os')"})),
    "settings a list": gaussian_file(lambda f: to_safetensors(tensors_of(f), {"mineral": "[]"})),
    "settings deep": gaussian_file(lambda f: to_safetensors(tensors_of(f), {"mineral": "[" * 100_000})),
    "no offset": gaussian_file(lambda f: to_safetensors(
        tensors_of(f), {"mineral": '{"format": 1, "kind": "gaussian"}'})),
    "NaN offset": gaussian_file(lambda f: forged(f, offset=float("nan"))),
    "infinite offset": gaussian_file(lambda f: forged(f, offset=float("inf"))),
    "text offset": gaussian_file(lambda f: forged(f, offset="a")),
    "NaN": gaussian_file(lambda f: forged(f, {"mean_x": NAN})),
    "infinity": gaussian_file(lambda f: forged(f, {"mean_x": 1 / (0 * ONE)})),
    "correlation of 2": gaussian_file(lambda f: forged(f, {"rho": 2 * ONE})),
    "tensor missing": gaussian_file(lambda f: forged(f, without=["rho"])),
    "map of another width": gaussian_file(lambda f: forged(f, {"map_x": ONE.expand(3, 1).clone()})),
    "map of another rank": gaussian_file(lambda f: forged(f, {"map_y": ONE.expand(1, 3).clone()})),
    "map without axes": gaussian_file(lambda f: forged(f, {"map_x": ONE[0].clone()})),
    "no coordinates": gaussian_file(lambda f: forged(
        f, {"mean_x": ONE[:0], "map_x": torch.ones(0, 1).double()})),
    "single precision": gaussian_file(lambda f: forged(f, {"mean_x": ONE.float()})),
    "integers": gaussian_file(lambda f: forged(f, {"mean_x": ONE.long()})),
    "float8": gaussian_file(lambda f: forged(f, {"mean_x": ONE.to(torch.float8_e4m3fn)})),
    "complex": gaussian_file(lambda f: forged(f, {"mean_x": ONE.to(torch.complex64)})),
    "negative knots": copula_file(lambda f: forged(f, {"knots": torch.tensor([500, -100])})),
    "too many knots": copula_file(lambda f: forged(f, {"knots": torch.tensor([400, 401])})),
    "knots that overflow": copula_file(lambda f: forged(f, {"knots": torch.tensor([2**62] * 4)})),
    "knots in a table": copula_file(lambda f: forged(f, {"knots": torch.tensor([[400], [400]])})),
    "knots not whole": copula_file(lambda f: forged(f, {"knots": torch.tensor([400.0, 400.0])})),
    "fewer ranks": copula_file(lambda f: forged(f, {"ranks": ONE})),
    "rank beyond n": copula_file(lambda f: forged(f, {"ranks": tensors_of(f)["ranks"] + 1})),
    "rank zero": copula_file(lambda f: forged(f, {"ranks": tensors_of(f)["ranks"] - 1})),
    "values out of order": copula_file(lambda f: forged(f, {"values": -tensors_of(f)["values"]})),
    "no rows": copula_file(lambda f: forged(f, n=0)),
    "endless rows": copula_file(lambda f: forged(f, n=float("inf"))),
    "all of x": copula_file(lambda f: forged(f, dim_x=2)),
    "NaN weights": critic_file(lambda f: forged(f, {"0.critic.of_x.weight": torch.full((16, 1), torch.nan)})),
    "other weights": critic_file(lambda f: forged(f, {"1.critic.of_x.weight": torch.ones(7, 1)})),
    "whole weights": critic_file(lambda f: forged(f, {"0.critic.of_x.weight": torch.ones(16, 1).long()})),
    "mixed weights": critic_file(lambda f: forged(f, {"0.critic.of_x.weight": torch.ones(16, 1).double()})),
    "weights missing": critic_file(lambda f: forged(f, without=["1.critic.of_y.weight"])),
    "giant layers": critic_file(lambda f: forged(f, critic_options={"hidden": [10**6, 10**6]})),
    "many layers": critic_file(lambda f: forged(f, critic_options={"hidden": [1] * 200_000})),
    "negative layers": critic_file(lambda f: forged(f, critic_options={"hidden": [-1]})),
    "no layers": critic_file(lambda f: forged(f, critic_options={"hidden": []})),
    "layers of zero": critic_file(lambda f: forged(f, critic_options={"hidden": [0, 8]})),
    "endless layers": critic_file(lambda f: forged(f, critic_options={"hidden": [10**30]})),
    "layers of text": critic_file(lambda f: forged(f, critic_options={"hidden": "ab"})),
    "unknown options": critic_file(lambda f: forged(f, critic_options={"hidden": [16, 8], "code": 1})),
    "options a list": critic_file(lambda f: forged(f, critic_options=[])),
    "unknown critic": critic_file(lambda f: forged(f, critic="os.system")),
    "critic a list": critic_file(lambda f: forged(f, critic=[])),
    "no critics": critic_file(lambda f: forged(f, log_partition=[])),
    "endless critics": critic_file(lambda f: forged(f, log_partition=[0.0] * 9)),
    "partition a number": critic_file(lambda f: forged(f, log_partition=1.0)),
    "NaN partition": critic_file(lambda f: forged(f, log_partition=[0.0, float("nan")])),
    "text partition": critic_file(lambda f: forged(f, log_partition=[0.0, "a"])),
    "scale zero": critic_file(lambda f: forged(f, {"0.x.scale": 0 * ONE})),
    "scale negative": critic_file(lambda f: forged(f, {"0.y.scale": -ONE})),
    "scales of another width": critic_file(lambda f: forged(f, {"0.x.scale": torch.ones(2).double()})),
}  # fmt: skip


@pytest.mark.parametrize("case", HOSTILE)
@pytest.mark.usefixtures("as_users_run_it")
def test_hostile_files_are_refused_at_once(case, models, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "model.safetensors"
    path.write_bytes(HOSTILE[case](models, tmp_path))
    start = time.process_time()
    with pytest.raises(InputError) as refusal:
        mineral.load(path)
    assert time.process_time() - start < 1
    message = str(refusal.value)
    assert str(path) in message and "\n" not in message and len(message) < 500
    assert not Path("exploded").exists()


def test_a_pickle_would_have_exploded(tmp_path, monkeypatch):
    # So that the test above proves something.
    monkeypatch.chdir(tmp_path)
    pickle.loads(pickle.dumps(Bomb()))
    assert Path("exploded").exists()


def test_what_is_no_file_is_refused(tmp_path):
    with pytest.raises(InputError, match=r"There is no file `.*missing`\."):
        mineral.load(tmp_path / "missing")
    with pytest.raises(InputError, match="cannot be read"):
        mineral.load(tmp_path)


@pytest.mark.usefixtures("as_users_run_it")
@pytest.mark.parametrize("name", ["gaussian", "copula", "joint"])
def test_a_damaged_byte_is_refused_or_harmless(models, name, tmp_path):
    """Wherever one byte of a file is changed, it loads or is refused, and never does worse."""
    file = whole(models, name, tmp_path)
    rng, pair = np.random.default_rng(0), draw(5, 1)
    outcomes = set()
    for place in rng.choice(min(len(file), 1500), 60, replace=False):
        damaged = bytearray(file)
        damaged[place] ^= int(rng.integers(1, 256))
        (tmp_path / "damaged").write_bytes(damaged)
        try:
            assert mineral.load(tmp_path / "damaged").pmi(*pair).shape == (5,)
            outcomes.add("harmless")
        except MineralError:
            outcomes.add("refused")
    assert "refused" in outcomes

"""One call for everything: by name or by object, with options that are checked first."""

import inspect

import numpy as np
import pytest
import torch

import mineral
from mineral.api import KNOWN, estimators, resolve
from mineral.errors import MineralError, OptionError
from mineral.methods import ESTIMATORS

X = np.random.default_rng(0).standard_normal(100)
Y = X + np.random.default_rng(1).standard_normal(100)


def test_a_name_means_the_estimator_with_its_defaults():
    for name, kind in ESTIMATORS.items():
        assert resolve(name) == kind()
    assert mineral.estimate(X, Y, estimator="ksg") == mineral.KSG().estimate(X, Y)


def test_an_object_is_taken_as_it_is():
    k5 = mineral.KSG(k=5)
    assert resolve(k5) is k5
    found = mineral.estimate(X, Y, estimator=k5)
    assert found == k5.estimate(X, Y) and found.options["k"] == 5


def test_the_default_is_auto():
    assert mineral.estimate(X, Y) == mineral.Auto().estimate(X, Y)


def test_options_reach_the_estimator():
    options = {"seed": 7, "confidence": 0.8, "unit": "bits", "missing": "drop", "device": "cpu"}
    x = np.where(X > 2, np.nan, X)
    found = mineral.estimate(x, Y, estimator="gaussian", **options)
    assert found == mineral.Gaussian().estimate(x, Y, **options)
    assert (found.seed, found.confidence, found.unit) == (7, 0.8, "bits")
    told = []
    mineral.estimate(X, Y, estimator="ksg", progress=lambda *news: told.append(news))
    assert told


def test_the_door_and_brief_estimator_take_the_same_options():
    door = inspect.signature(mineral.estimate).parameters
    for kind in ESTIMATORS.values():
        own = inspect.signature(kind.estimate).parameters
        # Which estimator, and a test beside it, are the door's alone.
        beside = ("estimator", "permutations", "options")
        assert list(own)[1:] == [n for n in door if n not in beside]
        for name in list(own)[1:]:
            assert (own[name].default, own[name].kind) == (door[name].default, door[name].kind)
    options = [p for name, p in door.items() if name not in ("x", "y", "options")]
    assert all(p.kind is inspect.Parameter.KEYWORD_ONLY for p in options)


def test_what_there_is_is_listed_with_one_line_each():
    assert list(estimators()) == list(KNOWN) == [kind.name for kind in KNOWN.values()]
    for line in estimators().values():
        assert line.endswith(".") and "\n" not in line and len(line) < 100


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("kgs", "ksg"),
        ("KSG", "ksg"),
        ("gausian", "gaussian"),
        ("MINE", "mine"),
        ("InfoNCE", "infonce"),
        ("coppula", "copula' or 't-copula"),
    ],
)
def test_a_misspelt_name_is_answered_with_the_right_one(name, meant):
    with pytest.raises(OptionError, match=f"`estimator` '{name}' is unknown: choose one of auto, "):
        mineral.estimate(X, Y, estimator=name)
    with pytest.raises(OptionError, match=rf"Did you mean '{meant}'\?$"):
        mineral.estimate(X, Y, estimator=name)


def test_a_name_like_no_other_is_answered_with_the_list():
    with pytest.raises(OptionError, match=r"or pass an estimator object\.$") as refusal:
        mineral.estimate(X, Y, estimator="wasserstein-9")
    assert all(name in str(refusal.value) for name in ESTIMATORS)


@pytest.mark.usefixtures("as_users_run_it")
@pytest.mark.parametrize("estimator", [None, 3, mineral.Estimator, int, ["ksg"], {}, ""])
def test_what_is_no_estimator_is_refused(estimator):
    with pytest.raises(OptionError, match=r"`estimator` .* is unknown"):
        mineral.estimate(X, Y, estimator=estimator)


BAD_OPTIONS = [
    ("seed", -1),
    ("seed", 1.0),
    ("seed", 2**64),
    ("seed", True),
    ("seed", None),
    ("seed", "0"),
    ("seed", np.random.default_rng(0)),
    ("confidence", 0),
    ("confidence", 1),
    ("confidence", 95),
    ("confidence", -0.5),
    ("confidence", float("nan")),
    ("confidence", None),
    ("confidence", "high"),
    ("confidence", 0.5 + 0j),
    ("unit", "bans"),
    ("unit", "Nats"),
    ("unit", None),
    ("unit", ["nats"]),
    ("missing", "ignore"),
    ("missing", None),
    ("missing", True),
    ("missing", ["drop"]),
    ("device", "quantum"),
    ("device", "cuda:99"),
    ("device", "meta"),
    ("device", ""),
    ("device", 1.5),
    ("device", torch.device("xla")),
]


@pytest.mark.usefixtures("as_users_run_it")
@pytest.mark.parametrize(("option", "value"), BAD_OPTIONS)
def test_options_out_of_range_are_refused_by_name(option, value):
    doors = [mineral.estimate, *(kind().estimate for kind in ESTIMATORS.values())]
    for door in doors:
        with pytest.raises(OptionError) as refusal:
            door(X, Y, **{option: value})
        message = str(refusal.value)
        assert f"`{option}`" in message and "\n" not in message and len(message) < 200
        assert repr(value) in message
        assert isinstance(refusal.value, ValueError) and isinstance(refusal.value, MineralError)
        assert refusal.value.__cause__ is None


@pytest.mark.usefixtures("as_users_run_it")
@pytest.mark.parametrize("seed", [0, 2**64 - 1, np.int64(3), np.uint8(3)])
def test_any_whole_seed_will_do(seed):
    for estimator in ("auto", "ksg"):
        found = mineral.estimate(X, Y, estimator=estimator, seed=seed)
        assert found.seed == int(seed) and type(found.seed) is int


def test_the_largest_seed_will_do_for_all(brief_estimator):
    assert np.isfinite(brief_estimator.estimate(X, Y, seed=2**64 - 1).value)


@pytest.mark.usefixtures("as_users_run_it")
@pytest.mark.parametrize("confidence", [0.001, 0.999, np.float32(0.9), np.float64(0.9)])
def test_any_level_between_zero_and_one_will_do(confidence):
    found = mineral.estimate(X, Y, confidence=confidence)
    assert found.confidence == float(confidence) and type(found.confidence) is float


@pytest.mark.parametrize("device", [None, "cpu", torch.device("cpu")])
def test_the_same_device_by_any_name(device):
    assert mineral.estimate(X, Y, device=device) == mineral.estimate(X, Y)


def test_misspelt_arguments_are_refused_with_the_closest():
    with pytest.raises(OptionError, match=r"`sed` is not an option of auto.* Did you mean 'seed'"):
        mineral.estimate(X, Y, sed=1)


@pytest.mark.usefixtures("as_users_run_it")
@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: mineral.KSG(k=0), "`k` must be at least 1, got 0"),
        (lambda: mineral.KSG(variant=3), "`variant` must be 1 or 2, got 3"),
        (lambda: mineral.MINE(steps=0), "`steps` must be at least 1, got 0"),
        (lambda: mineral.MINE(batch_size=1), "`batch_size` must be at least 2, got 1"),
        (lambda: mineral.MINE(folds=1), "`folds` must be at least 2, got 1"),
        (lambda: mineral.MINE(product_samples=0), "`product_samples` must be at least 1.*got 0"),
        (
            lambda: mineral.MINE(learning_rate=0.0),
            "`learning_rate` must be positive and finite, got 0",
        ),
        (lambda: mineral.MINE(learning_rate=float("nan")), "`learning_rate` must be positive"),
        (
            lambda: mineral.InfoNCE(batch_size=64, product_samples=64),
            r"`product_samples` must be .* less than `batch_size` \(64\).*got 64",
        ),
    ],
)
def test_options_of_estimators_are_checked_when_they_are_made(make, message):
    with pytest.raises(OptionError, match=message):
        make()


def test_estimators_are_frozen_and_comparable():
    for kind in ESTIMATORS.values():
        assert kind() == kind() and hash(kind()) == hash(kind())
        with pytest.raises(AttributeError):
            kind().name = "other"


def test_all_that_is_public_is_there():
    for name in mineral.__all__:
        assert getattr(mineral, name) is not None
    assert mineral.__all__ == sorted(mineral.__all__, key=lambda n: (not n.isupper(), n))

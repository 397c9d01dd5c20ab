"""An estimate can be repeated: from its options, its report's call, its report's command."""

import functools
import html
import json
import re
import shlex
from dataclasses import fields

import numpy as np
import pytest
from conftest import FOR_SYMBOLS, learns, params

import mineral
from mineral.cli import main
from mineral.methods import ESTIMATORS
from mineral.report import words
from mineral.report.page import page
from mineral.results import Estimate
from mineral.settings import settable

# Options that no estimator has by default, small enough to train within a moment.
OTHER = {
    "budget": "fast",
    "degrees_of_freedom": 7.5,
    "components": 2,
    "folds": 4,
    "regularization": 1e-5,
    "steps": 9,
    "batch_size": 48,
    "learning_rate": 0.0123,
    "gain": 1.7,
    "hidden": 24,
    "clusters": 3,
    "k": 4,
    "variant": 2,
    "standardize": False,
    "alpha": 0.3,
    "method": "ross",
    "bandwidth": 0.37,
    "adaptive": False,
    "bins": 5,
    "level": 0.01,
    "correction": "grassberger",
    "product_samples": 5,
    "weight": 0.7,
    "tau": 3.3,
    "family": "logistic",
    "transforms": 2,
    "squared": True,
    "latent": 3,
    "final": mineral.KSG(k=4),
    "critic": functools.partial(mineral.JointCritic, hidden=(8,)),
}
NOT_SET = {"alphabet"}  # needs correction="nsb": tested below
# Networks are fitted by one mechanism, of which one is an example.
QUICK = [name for name, kind in ESTIMATORS.items() if not learns(kind)] + ["mine"]
every = pytest.mark.parametrize("kind", params(ESTIMATORS, QUICK))


def draw(name):
    rng = np.random.default_rng(3)
    x = rng.standard_normal(240)
    y = x + rng.standard_normal(240)
    if name in FOR_SYMBOLS or name == "mixed":
        x = np.digitize(x, (-1.0, 0.0, 1.0)).astype(float)
    if name == "discrete":
        y = np.digitize(y, (-1.0, 1.0)).astype(float)
    return x, y


def made(kind):
    options = {f.name: OTHER[f.name] for f in fields(kind) if f.name not in NOT_SET}
    x, y = draw(kind.name)
    return mineral.estimate(x, y, estimator=kind, seed=11, **options)


@every
def test_estimator_options_and_seed_reproduce_the_estimate(kind):
    x, y = draw(kind.name)
    r = made(kind)
    again = mineral.estimate(x, y, estimator=r.estimator, seed=r.seed, **r.options)
    assert (again.value, again.interval, again.options) == (r.value, r.interval, r.options)
    assert r.estimator == kind.name
    assert all(r.options[name] != getattr(kind(), name) for name in set(r.options) - NOT_SET)
    json.dumps(r.to_dict()["options"])
    call = words.python_call(r)
    known = {"mineral": mineral, "functools": functools, "x": x, "y": y}
    assert eval(call, known).value == r.value, call


@pytest.mark.parametrize("kind", params(ESTIMATORS, ["auto", "ksg", "copula", "discrete", "mine"]))
def test_the_command_in_a_report_reproduces_the_value(kind, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    x, y = draw(kind.name)
    np.savez("my data.npz", x=x, y=y)
    argv = ["estimate", "my data.npz", "--x", "x", "--y", "y", "-e", kind.name, "--seed", "11"]
    argv += ["--report", "r.html", "--json", "--confidence", "0.9", "--unit", "bits"]
    for option in settable(kind):
        argv += ["--set", f"{option}={OTHER[option]}"]
    assert main(argv) == 0
    first = json.loads(capsys.readouterr().out)
    shown = re.findall(r"<pre><code>(.*?)</code></pre>", (tmp_path / "r.html").read_text(), re.S)
    program, *command = shlex.split(html.unescape(shown[0]))
    assert program == "mineral"
    assert main([*command, "--json"]) == 0
    again = json.loads(capsys.readouterr().out)
    same = ("value", "interval", "options", "seed", "unit", "confidence")
    assert [again[name] for name in same] == [first[name] for name in same]


def test_pairs_of_sizes_are_repeated_too(as_users_run_it):
    x, y = draw("discrete")
    r = mineral.estimate(x, y, estimator="discrete", correction="nsb", alphabet=[5, 4])
    assert r.options == {"correction": "nsb", "alphabet": (5, 4)}
    assert mineral.estimate(x, y, estimator=r.estimator, **r.options).value == r.value
    assert eval(words.python_call(r), {"mineral": mineral, "x": x, "y": y}).value == r.value


@pytest.fixture(scope="module")
def chosen() -> Estimate:
    rng = np.random.default_rng(0)
    x = rng.standard_normal(500)
    return mineral.estimate(x, x**2 + 0.5 * rng.standard_normal(500), budget="fast")


def test_the_report_lists_what_the_default_considered(chosen):
    assert len(chosen.decision.considered) > 1
    text = page(chosen)
    assert f"Reported: {chosen.decision.summary()}." in text
    for considered in chosen.decision.considered:
        assert f"<td>{considered.estimator}</td>" in text
        assert f"<td>{considered.verdict.value}</td>" in text
    assert "Candidates: " not in text  # the sentence says what the table says
    assert "<h2>Reproduce</h2>" in text


def test_value_sampling_error_allowance_and_interval_are_separate_facts(chosen):
    facts = dict(words.facts(chosen))
    assert facts["Value"].startswith(repr(chosen.value))
    assert facts["Sampling error"].startswith(f"{chosen.stderr:#.2g} nats")
    assert chosen.allowance > 0
    assert facts["Allowance"].startswith(f"{chosen.allowance:#.2g} nats")
    assert facts["95% interval"] == f"{chosen.interval[0]!r} to {chosen.interval[1]!r} nats"
    assert facts["Reported"] == chosen.decision.summary()


def test_the_candidates_are_in_the_unit_of_the_value(chosen):
    in_bits = chosen.to("bits")
    sentence = next(s for s in in_bits.path if s.startswith("Candidates: "))
    assert sentence.endswith(" bits.") and "nats" not in " ".join(in_bits.path)
    first = chosen.decision.considered[0]
    assert f"{first.estimator} {first.value / np.log(2):.3g} ± " in sentence
    assert in_bits.steps == chosen.steps
    assert in_bits.to("nats").path == chosen.path

"""The bottleneck: the game of critic and encoder, what is known exactly, and the experiment."""

import json
import math

import numpy as np
import pytest
import torch
from torch.nn.functional import cross_entropy

from mineral.critics import JointCritic
from mineral.errors import InputError, OptionError
from mineral.experiments import find, run
from mineral.experiments.models import bottleneck as experiment
from mineral.experiments.models import digits, kept
from mineral.learning import Information, penalties
from mineral.learning import bottleneck as bn

PENALTIES = ("mine", "rate", "club", "mige")


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def rows(n=512, dim=4, seed=0):
    """x, and which of its first two coordinates is the larger."""
    x = torch.randn(n, dim, generator=generator(seed))
    return x, (x[:, 0] > x[:, 1]).long()


def penalty(name, bound="mine", steps=1, **options):
    if name == "mine":
        critic = JointCritic(4, 2, hidden=(32, 32))  # of x, or of the moments: 4 numbers as well
        return penalties.Adversarial(
            Information(critic, bound, learning_rate=5e-3), steps=steps, **options
        )
    return penalties.Given(
        {"rate": penalties.rate, "club": penalties.club, "mige": penalties.mige}[name]
    )


def known(n=400, k=3, scale=1.0, signal=1.0, seed=0):
    """z = signal · m + scale · ε with m standard normal: I(M; Z) = k/2 log(1 + signal²/scale²)."""
    mean, noise = torch.randn(2, n, k, generator=generator(seed))
    mean = signal * mean
    return bn.Code(z=mean + scale * noise, mean=mean, scale=torch.full((n, k), scale))


@pytest.fixture(autouse=True)
def _same_weights_every_time():
    with torch.random.fork_rng():
        torch.default_generator.manual_seed(0)
        yield


@pytest.mark.parametrize(
    ("encoder", "options"),
    [(bn.Gaussian, {}), (bn.Additive, {"noise": 0.1}), (bn.Propagated, {"noise": 0.3})],
    ids=["gaussian", "additive", "propagated"],
)
def test_the_critic_raises_the_bound_and_the_encoder_lowers_it(encoder, options):
    net, game = encoder(4, 32, 2, **options), penalty("mine")
    x, _ = rows(2000)
    before = game.term.nats(x, net(x).z)
    for step in range(100):
        batch, _ = rows(256, seed=step + 1)
        game.learn(batch, net(batch))
    learned = game.term.nats(x, net(x).z)
    assert learned > before + 0.3
    critic = {name: value.detach().clone() for name, value in game.term.named_parameters()}
    optimizer = torch.optim.Adam(net.parameters(), lr=1e-2)
    for step in range(20):
        batch, _ = rows(seed=step + 1000)
        optimizer.zero_grad()
        game(batch, net(batch)).backward()
        optimizer.step()
    assert game.term.nats(x, net(x).z) < learned - 0.2
    assert all(torch.equal(critic[name], value) for name, value in game.term.named_parameters())


def test_a_step_of_the_critic_leaves_the_encoder_alone():
    net, game = bn.Gaussian(4, 8, 2), penalty("mine")
    x, _ = rows(64)
    before = [parameter.clone() for parameter in net.parameters()]
    game.learn(x, net(x))
    assert all(torch.equal(a, b) for a, b in zip(before, net.parameters(), strict=True))
    assert all(parameter.grad is None for parameter in net.parameters())


@pytest.mark.slow
@pytest.mark.parametrize("name", PENALTIES)
def test_each_penalty_drops_information_that_the_label_does_not_need(name):
    """Both bounds of the bracket fall while the classifier learns on."""

    def trained(beta):
        model, stands = bn.Bottleneck(bn.Gaussian(4, 32, 2), 2, 2), penalty(name, steps=5)
        torch.nn.init.constant_(model.encode.net[-1].bias[2:], 4.0)  # noise that a critic can see
        optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
        for step in range(150):
            x, y = rows(128, seed=step)
            code = model.encode(x)
            loss = cross_entropy(model.decoder(code.z), y)
            if beta:
                stands.learn(x, code)
                loss = loss + beta * stands(x, code)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        x, y = rows(1000, seed=10_000)
        with torch.no_grad():
            return bn.bracket(model.encode(x)), model.error(x, y)

    free, pressed = trained(0.0), trained(0.1)
    assert pressed[0][0] < free[0][0] - 0.15 and pressed[0][1] < free[0][1] - 0.15
    assert free[1] < 0.1 and pressed[1] < 0.15


def test_a_critic_may_see_the_moments_and_nothing_else_of_x():
    net, game = bn.Gaussian(4, 8, 2, offset=0.0), penalty("mine", moments=True)
    x, _ = rows(64)
    code = net(x)
    other = bn.Code(z=code.z, mean=code.mean + 1, scale=code.scale)
    torch.testing.assert_close(
        penalties.moments(code), torch.cat([code.mean, code.scale.log()], dim=1)
    )
    for _ in range(3):
        game.learn(torch.full_like(x, torch.nan), code)
    game.term._rng = np.random.default_rng(0)
    first = game(x, code)
    game.term._rng = np.random.default_rng(0)
    assert not torch.equal(first, game(x, other)) and torch.isfinite(first)
    gradient = torch.autograd.grad(first, code.mean)[0]  # through z alone
    game.term._rng = np.random.default_rng(0)
    by_z = torch.autograd.grad(game.term(penalties.moments(code), code.z), code.z)[0]
    torch.testing.assert_close(gradient, by_z)


def test_a_bound_is_lowered_to_its_floor_and_no_further():
    x, _ = rows(64)
    game = penalty("mine", floor=0.0)
    for _ in range(50):
        game.learn(x, bn.Code(z=x[:, :2]))
    assert float(game.term(x, bn.Code(z=-10 * x[:, :2]).z)) < 0
    opposite = (-10 * x[:, :2]).requires_grad_()
    value = game(x, bn.Code(z=opposite))
    assert float(value.detach()) == 0
    assert not torch.autograd.grad(value, opposite)[0].any()


@pytest.mark.parametrize(("offset", "scale"), [(-5.0, 0.0067), (0.0, 0.693)])
def test_the_scale_of_a_gaussian_starts_where_the_offset_says(offset, scale):
    net = bn.Gaussian(4, 8, 2, offset=offset)
    torch.nn.init.zeros_(net.net[-1].weight)
    torch.nn.init.zeros_(net.net[-1].bias)
    assert net(rows(5)[0]).scale.mean().item() == pytest.approx(scale, rel=0.01)


def test_an_error_is_compared_image_by_image():
    ours = [{"tested": 8, "wrong": [0, 1]}, {"tested": 8, "wrong": [0]}]
    theirs = [{"tested": 8, "wrong": [0, 1, 2]}, {"tested": 8, "wrong": [0, 1, 2]}]
    found = kept.compared(ours, theirs)
    apart = np.array([0, -0.5, -1, 0, 0, 0, 0, 0]) * 100
    assert found["difference"] == pytest.approx(apart.mean())
    assert found["difference_stderr"] == pytest.approx(apart.std(ddof=1) / math.sqrt(8))
    assert kept.compared(theirs, theirs)["difference"] is None
    assert kept.compared(ours, [])["difference"] is None


def test_a_narrow_code_is_measured_in_double_precision():
    code = known(n=500, scale=1e-4)  # in float32 the lower bound falls below what it can be
    assert bn.bracket(code)[0] == pytest.approx(math.log(500), abs=0.01)


def test_a_critic_takes_a_step_or_more():
    with pytest.raises(OptionError, match="`steps` must be at least 1, got 0"):
        penalty("mine", steps=0)


def test_log_densities_are_those_of_the_gaussians():
    code = bn.Code(
        z=torch.randn(5, 3, generator=generator(1)),
        mean=torch.randn(5, 3, generator=generator(2)),
        scale=torch.rand(5, 3, generator=generator(3)) + 0.5,
    )
    for i in range(5):
        law = torch.distributions.Normal(code.mean[i], code.scale[i])
        torch.testing.assert_close(code.log_densities()[i], law.log_prob(code.z).sum(1))
        assert code.log_density()[i] == pytest.approx(
            float(law.log_prob(code.z[i]).sum()), rel=1e-5
        )
    entropies = torch.distributions.Normal(code.mean, code.scale).entropy().sum(1)
    torch.testing.assert_close(code.conditional_entropy(), entropies.mean())


def test_the_bracket_encloses_the_truth_and_the_rate_lies_above():
    code = known(n=2000)
    truth = 1.5 * math.log(2)  # 1.04 nats; the standard error of either bound is 0.03
    lower, upper = bn.bracket(code)
    assert truth - 0.1 < lower < upper < truth + 0.1
    rate = float(penalties.rate(code.z, code))
    assert rate == pytest.approx(1.5, abs=0.12)  # E|m|² / 2 of 3 coordinates; error 0.03
    fitted = bn.fitted_rate(code, known(n=2000, seed=5).z)
    assert fitted == pytest.approx(truth, abs=0.1)  # the code is Gaussian: here it is tight
    # CLUB on Gaussians: k signal² / scale² (2 · 3 / 2 of it).
    assert float(penalties.club(code.z, code)) == pytest.approx(3.0, abs=0.3)


def test_a_narrow_code_keeps_its_upper_bound_by_the_fitted_rate():
    code = known(n=500, scale=1e-3)
    truth = 1.5 * math.log(1e6 + 1)
    lower, upper = bn.bracket(code)
    assert lower == pytest.approx(math.log(500), abs=0.01) and upper > 1e4
    assert bn.fitted_rate(code, known(n=500, scale=1e-3, seed=3).z) == pytest.approx(truth, abs=0.2)


@pytest.mark.parametrize("known_density", [True, False])
def test_mige_has_the_gradient_of_the_information_and_no_value(known_density):
    x, noise = torch.randn(2, 400, 2, generator=generator())
    signal = torch.tensor(1.0, requires_grad=True)
    z = signal * x + noise
    code = (
        bn.Code(z=z, mean=signal * x, scale=torch.ones_like(z)) if known_density else bn.Code(z=z)
    )
    value = penalties.mige(x, code)
    value.backward()
    assert float(value.detach()) == 0
    assert float(signal.grad) == pytest.approx(1.0, abs=0.2)  # k s / (1 + s²) at s = 1, k = 2


def test_what_needs_a_density_says_so():
    net = bn.Propagated(4, 8, 2)
    with pytest.raises(InputError, match="no known density"):
        penalties.rate(torch.zeros(5, 4), net(torch.zeros(5, 4)))
    with pytest.raises(OptionError, match="`samples` must be at least 1"):
        bn.Bottleneck(net, 2, 2).predict(torch.zeros(5, 4), samples=0)
    with pytest.raises(OptionError, match="`noise` must have one number more"):
        penalties.NoisyCritic(2, 2, hidden=(4,), noise=(0.1,))


def test_noise_is_carried_on_and_its_size_follows_the_layers():
    net = bn.Propagated(4, 32, 2, noise=0.1)
    x, _ = rows(2000)
    apart = (net(x).z - net(x).z).std()
    assert 0.05 * net(x).z.std() < apart < 0.6 * net(x).z.std()
    silent = bn.Propagated(4, 32, 2, noise=0.0)
    assert torch.equal(silent(x).z, silent(x).z)


def test_predictions_are_mean_probabilities_over_the_noise():
    model = bn.Bottleneck(bn.Additive(4, 8, 2, noise=3.0), 2, 2)
    x, _ = rows(50)
    assert torch.allclose(model.predict(x, samples=3).exp().sum(1), torch.ones(50), atol=1e-5)
    few, many = (
        torch.stack([model.predict(x, samples=s)[:, 0] for _ in range(20)]).std(0).mean()
        for s in (1, 16)
    )
    assert many < few / 2.5  # 4 where probabilities are near each other


def test_the_noisy_critic_is_silent_in_evaluation_and_broadcasts():
    critic = penalties.NoisyCritic(4, 2)
    x, z = torch.randn(3, 4), torch.randn(3, 2)
    assert not torch.equal(critic(x, z), critic(x, z))
    critic.eval()
    assert torch.allclose(critic(x[:, None], z[None])[1, 2], critic(x[1], z[2]), atol=1e-5)


# The experiment, on images of noise whose label is which half is darker.

MINUTE = {
    "methods": ["baseline", "mine-gaussian", "mine-propagated"],
    "seeds": 2,
    "swept": ["deep-variational", "club"],
    "betas": [0.001, 10.0],
    "hidden": [16],
    "swept_hidden": [16],
    "swept_epochs": 3,
    "dim_z": 4,
    "critic": [8, 8],
    "epochs": 3,
    "batch": 50,
    "images": 300,
    "measured": 100,
    "samples": 2,
    "fresh_steps": 2,
    "average": 0.5,
    "learning_rate": 0.01,
    "offset": -5.0,
    "half": False,
}


def part(name):
    rng = np.random.default_rng(len(name))
    labels = rng.integers(2, size=600)
    sides = np.where(np.arange(784) < 392, 1, -1) * (2 * labels[:, None] - 1)
    return (rng.normal(size=(600, 784)) + 0.3 * sides).astype(np.float32), labels


@pytest.fixture
def images(monkeypatch):
    monkeypatch.setattr(digits, "_part", part)


@pytest.mark.slow
@pytest.mark.usefixtures("images")
class TestTheExperiment:
    def test_writes_errors_and_what_is_kept(self, tmp_path):
        found = run(find("bottleneck"), out=tmp_path / "a", changes=MINUTE)
        methods, sweep = found.metrics["methods"], found.metrics["sweep"]
        assert set(methods) == set(MINUTE["methods"]) and methods["baseline"]["beta"] == 0
        assert methods["baseline"]["test_error"] < 20 and methods["baseline"]["lower"] is None
        assert methods["mine-propagated"]["lower"] is not None
        assert methods["mine-propagated"]["upper"] is None
        for runs in sweep.values():
            assert all(0 < run["lower"] <= math.log(100) + 1e-6 for run in runs.values())
            assert all(run["lower"] < run["upper"] for run in runs.values())
        variational = sweep["deep-variational"]
        assert variational["10"]["upper"] < variational["0.001"]["upper"] - 1
        report = (tmp_path / "a" / "report.md").read_text()
        assert "(1.38)" in report and "unverified" in report
        assert (tmp_path / "a" / "bottleneck.png").stat().st_size > 2000
        assert not (tmp_path / "a" / "checkpoints").exists() or not list(
            (tmp_path / "a" / "checkpoints").rglob("*.safetensors")
        )

    def test_a_killed_training_goes_on_to_the_same_numbers(self, tmp_path, monkeypatch):
        changes = MINUTE | {"methods": ["mine-gaussian"], "seeds": 1, "swept": ["club"]}
        changes |= {"betas": [0.001]}
        whole = run(find("bottleneck"), out=tmp_path / "whole", changes=changes).metrics
        steps = experiment.Checkpoint.steps

        def killed(self, count, *, every):
            for step in steps(self, count, every=every):
                if step == 2:
                    raise KeyboardInterrupt
                yield step

        with monkeypatch.context() as patch:
            patch.setattr(experiment.Checkpoint, "steps", killed)
            with pytest.raises(KeyboardInterrupt):
                run(find("bottleneck"), out=tmp_path / "part", changes=changes)
        resumed = run(find("bottleneck"), out=tmp_path / "part", changes=changes, resume=True)
        assert json.dumps(resumed.metrics) == json.dumps(whole)


def test_unknown_methods_are_refused(tmp_path):
    with pytest.raises(OptionError, match="`methods` must be among baseline"):
        run(find("bottleneck"), out=tmp_path / "a", changes={"methods": ["magic"]})


def test_every_method_is_an_encoder_and_a_penalty():
    settings = find("bottleneck").settings("quick", {"hidden": [4], "dim_z": 2, "critic": [4]})
    for method, (encoder, stands) in experiment.METHODS.items():
        model = experiment.encoder(settings, encoder)
        code = model(torch.zeros(9, 784) + torch.arange(9.0)[:, None])
        assert code.z.shape == (9, 2)
        if stands:
            term = experiment.penalty(settings, method, 0, torch.device("cpu"))
            assert torch.isfinite(term(torch.randn(9, 784), code))

"""Attacks: each must win where it can, and stay at chance where there is nothing to find."""

import numpy as np
import pytest
import torch

from mineral.audit.attacks import (
    labels,
    lookalike,
    matching,
    plaintext,
    reconstruction,
    reidentification,
)
from mineral.audit.attacks import transfer as transferring
from mineral.audit.attacks.classifiers import log_likelihood, panel
from mineral.audit.attacks.imitations import imitations
from mineral.audit.attacks.views import Views
from mineral.audit.rows import Attack
from mineral.basics.intervals import share
from mineral.errors import InputError, OptionError
from mineral.shaping.neuracrypt import NeuraCrypt

RNG = np.random.default_rng(0)
N = 400


def hiding(kind, n=900, seed=0):
    """Codes of five normal coordinates with a label in one of them, in a pair, or in none."""
    rng = np.random.default_rng(seed)
    z, s = rng.standard_normal((n, 5)), rng.integers(2, size=n)
    if kind == "small":
        z[:, 3] = 1e-5 * (z[:, 3] + 3 * s)
    if kind == "pair":
        z[:, 2] = np.abs(z[:, 2]) * np.sign(z[:, 1]) * (2 * s - 1)
    if kind == "turned pair":
        z[:, 2] = np.abs(z[:, 2]) * np.sign(z[:, 1]) * (2 * s - 1)
        z = z @ np.linalg.qr(rng.standard_normal((5, 5)))[0] * [1, 1e-3, 1, 1, 1e-3]
    return z, s


def thirds(z, s):
    cut = len(z) // 3
    return [(z[i * cut : (i + 1) * cut], s[i * cut : (i + 1) * cut]) for i in range(3)]


@pytest.mark.parametrize("kind", ["small", "pair", "turned pair"])
def test_a_label_is_found_wherever_it_hides(kind):
    found = labels.attack(*thirds(*hiding(kind)), classes=2)
    assert found.value > 0.8 and found.succeeds
    assert found.interval[0] < found.value < found.interval[1] and found.n == 300


def test_no_label_is_found_where_there_is_none():
    found = labels.attack(*thirds(*hiding("nothing")), classes=2)
    # Chosen on other rows: a share of 300 with a standard error of 0.029 around one half.
    assert abs(found.value - 0.5) < 4 * 0.029 and not found.succeeds


def test_chance_is_the_commonest_label():
    z, s = hiding("nothing")
    parts = thirds(z, np.where(RNG.random(len(s)) < 0.8, 0, 1))
    found = labels.of_panel(panel(*parts[:2], classes=2, seed=0, brief=True), parts[2])
    assert found.chance == (parts[2][1] == 0).mean() and abs(found.value - found.chance) < 0.1


def test_pairs_and_directions_are_those_that_tell():
    z, s = hiding("pair")
    views = Views.fit(z, s, seed=0)
    assert views.pairs[:, 0].tolist() == [1, 2]
    z, s = hiding("turned pair")
    seen = Views.fit(z, s, seed=0).all(z)["products"]
    told = [abs(np.corrcoef(column, s)[0, 1]) for column in seen.T]
    assert max(told[5:]) > 0.4 > max(told[:5])


def test_views_know_training_rows_only():
    z, s = hiding("pair")
    views = Views.fit(z[:300], s[:300], seed=0)
    seen = views.all(z[300:400])
    for name, rows in views.all(np.concatenate([z[300:400], 1e6 * z[:10]])).items():
        np.testing.assert_allclose(rows[:100], seen[name], rtol=1e-12)
        assert np.isfinite(rows).all()


def test_wide_codes_keep_the_coordinate_that_tells():
    rng = np.random.default_rng(0)
    s = rng.integers(2, size=300)
    z = rng.standard_normal((300, 600))
    z[:, 411] = 1e-4 * (z[:, 411] + 4 * s)
    seen = Views.fit(z, s, seed=0).standardized(z)
    assert seen.shape[1] <= 256
    assert max(abs(np.corrcoef(column, s)[0, 1]) for column in seen.T) > 0.8


def test_classes_that_training_lacks_have_a_probability():
    z = RNG.standard_normal((90, 2))
    s = np.arange(90) % 3
    few = 2 * (s[:60] % 2)
    fitted = panel((z[:60], few), (z[60:], s[60:]), classes=3, seed=0, brief=True)
    found = fitted.probabilities(fitted.best_calibrated, z[60:])
    assert found.shape == (30, 3) and (found > 0).all()
    np.testing.assert_allclose(found.sum(axis=1), 1, rtol=1e-9)
    assert np.isfinite(log_likelihood(found, s[60:])).all()


@pytest.mark.parametrize(("right", "n"), [(0, 50), (25, 50), (49, 50), (50, 50)])
def test_the_interval_of_a_share_is_wilsons(right, n):
    # Its ends are the p at which (share − p)² = z² p (1 − p) / n.
    z2 = 1.959963984540054**2
    known = np.sort(np.roots([n + z2, -(2 * right + z2), right**2 / n]).real)
    assert share(right, n) == pytest.approx(known, abs=1e-9)


def mixture(n=N, d=8, seed=0):
    """Rows of no symmetry."""
    rng = np.random.default_rng(seed)
    return rng.gamma(2.0, size=(n, d)) @ rng.standard_normal((d, d)) * 0.9 ** np.arange(d)


def test_a_linear_encoder_is_undone_without_a_pair():
    raw = mixture()
    codes = raw @ RNG.standard_normal((8, 20)) + 3
    found = reidentification.attack(raw, codes)
    assert found.value == 1.0 and found.chance == 1 / N and "linear map" in found.how


def test_principal_components_are_undone_whatever_their_signs():
    raw = mixture(200)
    centered = raw - raw.mean(axis=0)
    components = np.linalg.svd(centered, full_matrices=False)[2][:4]
    codes = centered @ components.T * [1, -1, -1, 1]
    found = reidentification.attack(raw, codes)
    assert found.value > 0.99 and "linear map" not in found.how
    assert np.array_equal(lookalike._signed(codes), lookalike._signed(codes * [-1, 1, -1, 1]))


@pytest.mark.slow
def test_what_tells_nothing_is_not_undone():
    raw = mixture(150)
    found = reidentification.attack(raw, RNG.standard_normal((150, 6)))
    assert found.value < 0.055  # of 150 by chance one; 9 or more have a probability below 1e-5
    assert reidentification.attack(raw, raw + 1e-3 * RNG.standard_normal(raw.shape)).value == 1


def test_equal_samples_have_no_discrepancy_and_others_do():
    a, b = torch.randn(2, 200, 3, generator=torch.Generator().manual_seed(0))
    assert float(lookalike.discrepancy(a, a)) == pytest.approx(0, abs=1e-6)
    assert float(lookalike.discrepancy(a, b + 2)) > 10 * float(lookalike.discrepancy(a, b)) > 0


def test_known_pairs_give_the_others_away():
    raw = mixture()
    found = plaintext.attack(raw, np.tanh(raw @ RNG.standard_normal((8, 12)) / 20))
    assert found.value > 0.9 and found.n == N - 100 and found.chance == 1 / 300
    assert plaintext.attack(raw, RNG.standard_normal((N, 12))).value < 0.05
    with pytest.raises(InputError, match="`known` must be between 8 and half"):
        plaintext.attack(raw[:100], raw[:100])


def test_transfer_reads_the_codes_of_strangers(monkeypatch):
    monkeypatch.setattr("mineral.audit.attacks.imitations.STEPS", 30)
    monkeypatch.setattr(lookalike, "STEPS", 30)
    raw = mixture(600)
    s = (raw[:, 0] > np.median(raw[:, 0])).astype(np.int64)
    found = transferring.attack(raw[:400], s[:400], raw[400:], s[400:], classes=2)
    assert found.value > 0.9 and found.n == 200
    noise = RNG.standard_normal((200, 8))
    assert transferring.attack(raw[:400], s[:400], noise, s[400:], classes=2).value < 0.65


def test_noise_is_imitated_at_the_size_seen():
    raw = mixture(600)
    codes = raw[300:] + 0.7 * RNG.standard_normal((300, 8))
    found = next(imitations(raw[:300], codes))
    apart = found.encode(raw) - raw
    assert found.how == "noise of the observed scale"
    assert apart.std() == pytest.approx(0.7, rel=0.2)  # of a median of 8 variances of 300 rows
    assert np.array_equal(found.encode(raw), found.encode(raw))


def test_components_of_strangers_are_turned_as_the_victims(monkeypatch):
    monkeypatch.setattr("mineral.audit.attacks.imitations.STEPS", 60)
    raw = mixture(900)
    key = np.linalg.svd(raw[450:] - raw[450:].mean(0), full_matrices=False)[2][:3] * [
        [1],
        [-1],
        [1],
    ]
    codes = (raw[450:] - raw[450:].mean(0)) @ key.T
    (found,) = imitations(raw[:450], codes)
    near = np.corrcoef(found.encode(raw[450:]).T, codes.T)[:3, 3:].diagonal()
    assert (near > 0.8).all()  # with its sign; 1 but for what 450 rows tell of the directions


def test_reconstruction_gets_back_what_is_there():
    raw = mixture(600)
    codes = raw @ RNG.standard_normal((8, 8))
    parts = [(codes[rows], raw[rows]) for rows in (slice(300), slice(300, 440), slice(440, None))]
    found = reconstruction.attack(*parts)
    assert found.attack.value > 0.999 and found.error < 1e-3 * found.error_of_mean
    blind = [(RNG.standard_normal(c.shape), x) for c, x in parts]
    nothing = reconstruction.attack(*blind)
    assert nothing.attack.value < 0.02 and not nothing.attack.succeeds
    assert nothing.rows.shape == (160, 8)


def shapes(n, seed=0):
    """Images of 12 × 12: blots of all sizes and places, as float32 within 0 and 1."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:12, :12]
    images = np.zeros((n, 12, 12))
    for _ in range(3):
        cy, cx, r = rng.uniform(1, 11, (2, n, 1, 1)), None, rng.uniform(0.8, 2.5, (n, 1, 1))
        cy, cx = cy
        images += np.exp(-((y - cy) ** 2 + (x - cx) ** 2) / (2 * r**2))
    return np.clip(images, 0, 1).reshape(n, -1).astype(np.float32)


def victim(**options):
    usual = {"patch": 4, "width": 256, "depth": 1, "seed": 9}
    return NeuraCrypt.draw((1, 12, 12), **usual | options)


BRIEF = matching.Settings(keys=8, images=60, steps=250, batch_size=128)


def test_the_matching_attack_breaks_neuracrypt():
    images = shapes(80)
    found = matching.stages(images, victim(), settings=BRIEF)
    assert [name for name, _ in found] == [
        "patches, then images",
        "places recovered",
        "encoder fitted",
    ]
    assert found[-1][1] > 0.9


def test_the_matching_attack_never_sees_the_key_or_a_pair():
    images, secret = shapes(30), victim()
    codes = secret.encode(images, seed=1)
    settings = matching.Settings(keys=2, images=20, steps=5, batch_size=32)
    blank = NeuraCrypt(
        shape=(1, 12, 12), patch=4, width=256, depth=1, shuffle=True, published=False, tensors={}
    )
    *_, (_, order) = matching.match(images, codes, secret, settings=settings)
    *_, (_, again) = matching.match(images, codes, blank, settings=settings)
    assert np.array_equal(order, again)
    assert sorted(order) == list(range(30))
    tried = matching.attack(images, secret, settings=settings, seed=1)
    *_, (_, right) = matching.stages(images, secret, settings=settings, seed=1)
    assert (tried.value, tried.chance, tried.n) == (right, 1 / 30, 30)


def test_the_matching_attack_finds_nothing_in_noise():
    images = shapes(60)
    codes = RNG.standard_normal((60, 9 * 256)).astype(np.float32)
    settings = matching.Settings(keys=2, images=30, steps=20, batch_size=64)
    *_, (_, order) = matching.match(images, codes, victim(), settings=settings)
    assert (order == np.arange(60)).mean() < 0.12
    with pytest.raises(InputError, match="a row for each of the 60 images"):
        list(matching.match(images, codes[:20], victim()))


def test_the_shuffle_is_undone():
    secret = victim()
    images = shapes(80)
    aligned, reference = matching.align(secret.encode(images).reshape(80, 9, 256))
    places = secret.unshuffled(torch.from_numpy(images)).numpy()
    which = np.abs(aligned[:, :, None] - places[:, None]).max(axis=-1).argmin(axis=-1)
    common = np.array([np.bincount(column).argmax() for column in which.T])
    assert sorted(common) == list(range(9)) and (which == common).mean() > 0.97
    more = secret.encode(shapes(10, seed=1), seed=5).reshape(10, 9, 256)
    assert matching.align(more, reference)[0].shape == more.shape


@pytest.mark.parametrize("name", ["keys", "images", "steps", "batch_size", "rounds"])
def test_settings_of_matching_out_of_range_are_refused(name):
    with pytest.raises(OptionError, match=f"`{name}` must be at least 1"):
        matching.Settings(**{name: 0})


def test_an_attack_succeeds_only_where_its_interval_clears_chance():
    shown = {"name": "a", "value": 0.6, "chance": 0.5, "unit": "share", "how": "", "n": 10}
    assert Attack(interval=(0.55, 0.65), **shown).succeeds
    assert not Attack(interval=(0.45, 0.75), **shown).succeeds

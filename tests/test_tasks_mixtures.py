"""Mixtures: densities against SciPy's, values against other integrals, bends that can be undone."""

import numpy as np
import pytest
from scipy import integrate, stats

from mineral.tasks import find, transforms
from mineral.tasks.families import embeddings, mixtures

INLIERS = (0.2, 0.5)


def agrees(value, pmi):
    """Whether the mean is the value, up to 4 standard errors."""
    return abs(pmi.mean() - value) <= 4 * pmi.std() / np.sqrt(len(pmi))


def density_of(component, part, values):
    mean, dispersion = component.mean[part], component.dispersion[part, part]
    if np.isfinite(component.nu):
        return stats.multivariate_t(mean, dispersion, df=component.nu).pdf(values)
    return stats.multivariate_normal(mean, dispersion).pdf(values)


@pytest.mark.parametrize(
    "law",
    [
        mixtures.letters(),
        mixtures.cross(0.9, nu=3.0),
        mixtures.stripes(),
        mixtures.shells(3, 5),
        mixtures.with_inliers(3, 0.2),
        mixtures.with_outliers(2, 0.3),
    ],
)
def test_pointwise_values_are_ratios_of_scipys_densities(law):
    drawn = law(40, np.random.default_rng(0))
    of_x, of_y = slice(law.dim_x), slice(law.dim_x, None)
    joint, x, y = (
        sum(
            weight * np.atleast_1d(density_of(each, part, values))
            for weight, each in zip(law.weights, law.components, strict=True)
        )
        for part, values in (
            (slice(None), np.hstack([drawn.x, drawn.y])),
            (of_x, drawn.x),
            (of_y, drawn.y),
        )
    )
    assert law.weights.sum() == pytest.approx(1)
    np.testing.assert_allclose(drawn.pmi, np.log(joint / (x * y)), atol=1e-9)


@pytest.mark.parametrize(
    ("law", "name"), [(mixtures.letters(), "ai"), (mixtures.cross(0.9, nu=3.0), "student")]
)
def test_samples_come_from_the_density(law, name):
    drawn = law(20_000, np.random.default_rng(1))
    for i, values in enumerate((drawn.x[:, 0], drawn.y[:, 0])):

        def cdf(v, i=i):
            return sum(
                weight * stats.t(each.nu, each.mean[i], np.sqrt(each.dispersion[i, i])).cdf(v)
                for weight, each in zip(law.weights, law.components, strict=True)
            )

        assert stats.kstest(values, cdf).pvalue > 0.001, name
    # And jointly: X plus half of Y is a mixture too.
    both, along = drawn.x[:, 0] + drawn.y[:, 0] / 2, np.array([1, 0.5])

    def cdf(v):
        return sum(
            weight
            * stats.t(each.nu, along @ each.mean, np.sqrt(along @ each.dispersion @ along)).cdf(v)
            for weight, each in zip(law.weights, law.components, strict=True)
        )

    assert stats.kstest(both, cdf).pvalue > 0.001


# Values, by integrals that are not those of the script


def test_the_cross_by_adaptive_quadrature():
    law, part = mixtures.cross(0.9), slice(None)

    def told(y, x):
        one = np.array([[x, y]])
        log_joint = law.log_density(one, part)[0]
        marginals = stats.norm.logpdf([x, y]).sum()
        return np.exp(log_joint) * (log_joint - marginals)

    value, _ = integrate.dblquad(told, 0, 6, 0, 6, epsabs=1e-5, epsrel=1e-5)
    # The same in each quadrant.
    assert find("x-0.9").information == pytest.approx(4 * value, abs=1e-4)


@pytest.mark.parametrize(("d", "k"), [(3, 5), (5, 10), (25, 5)])
def test_concentric_values_by_the_chi_distribution(d, k):
    shells = [stats.chi(d, scale=i) for i in range(1, k + 1)]

    def entropy_of(density, far):
        def told(r):
            p = density(r)
            return -p * np.log(p) if p > 0 else 0.0

        return integrate.quad(told, 0, far, limit=400, epsabs=1e-10)[0]

    far = 40 * k
    mixed = entropy_of(lambda r: np.mean([shell.pdf(r) for shell in shells]), far)
    value = mixed - np.mean([shell.entropy() for shell in shells])
    assert find(f"concentric-{d}-{k}").information == pytest.approx(value, abs=1e-6)


def test_y_tells_the_shell_beyond_doubt():
    law = mixtures.shells(3, 10)
    assert stats.norm.logsf(0.5 / np.sqrt(mixtures.THIN)) < -1000  # half way to the next
    deviations = [np.sqrt(each.dispersion[0, 0]) for each in law.components]
    np.testing.assert_allclose(deviations, np.arange(1, 11))


@pytest.mark.parametrize("share", INLIERS)
def test_inliers_change_the_value_as_samples_of_two_pairs_say(share):
    # Two pairs, drawn and judged here from the correlation alone.
    n, rho, rng = 400_000, 0.8, np.random.default_rng(0)
    x, noise = rng.standard_normal((2, n, 2))
    alone = rng.random((n, 1)) < share
    y = np.where(alone, noise, rho * x + np.sqrt(1 - rho**2) * noise)
    pairs = (stats.norm.logpdf(y, rho * x, np.sqrt(1 - rho**2)) - stats.norm.logpdf(y)).sum(axis=1)
    pmi = np.log((1 - share) * np.exp(pairs) + share)
    for d in (5, 25):
        assert agrees(find(f"inliers-{d}-{share}").information, pmi)


def test_inliers_have_the_marginals_and_the_share_that_they_say():
    law = mixtures.with_inliers(4, 0.3)
    drawn = law(40_000, np.random.default_rng(0))
    both = np.hstack([drawn.x, drawn.y])
    covariance = np.eye(8)
    covariance[[0, 1, 4, 5], [4, 5, 0, 1]] = 0.7 * 0.8
    np.testing.assert_allclose(np.cov(both.T), covariance, atol=0.03)
    assert all(stats.kstest(column, "norm").pvalue > 0.001 for column in both.T)


@pytest.mark.parametrize("name", ["waves-12", "galaxy", "ai", "student-x-0.9-3", "outliers-5-0.2"])
def test_values_are_the_means_of_other_samples(name):
    task = find(name)
    pmi = task.draw(200_000, seed=7).pmi
    assert abs(pmi.mean() - task.information) <= 4 * np.hypot(pmi.std() / 200_000**0.5, task.error)


def test_waves_can_be_undone():
    task = find("waves-12")
    drawn = task.draw(5000, seed=0)
    across = 2 * drawn.x[:, 1]
    along = 10 * (drawn.x[:, 0] + 0.8) - 5 * np.sin(3 * across)
    centers = 1.5 * np.arange(12)
    assert stats.kstest(across, "norm").pvalue > 0.001
    cdf = stats.norm(scale=np.sqrt(0.1)).cdf
    assert stats.kstest(along, lambda v: cdf(v - centers[:, None]).mean(axis=0)).pvalue > 0.001
    stripe = np.abs(along[:, None] - centers).argmin(axis=1)
    row = np.abs(drawn.y - centers[:4]).argmin(axis=1)
    # One stripe in 62 lies, by its noise, nearer to another, and one row in 75.
    assert np.mean(row == stripe % 4) > 0.95


def test_the_galaxy_can_be_turned_back():
    drawn = find("galaxy").draw(5000, seed=0)
    flat = transforms.Spiral((0, 1), speed=-0.5)(drawn.x)
    again = mixtures.balls()
    joint = np.hstack([flat, drawn.y])
    parts = (slice(None), slice(2), slice(2, None))
    densities = [
        again.log_density(values, part)
        for values, part in zip((joint, flat, drawn.y), parts, strict=True)
    ]
    np.testing.assert_allclose(drawn.pmi, densities[0] - densities[1] - densities[2], atol=1e-9)
    assert np.cov(flat.T)[0, 1] == pytest.approx(2.25, abs=0.3)  # (3 / 2)², of the two centers


# Embeddings


@pytest.mark.parametrize(("d", "kappa"), [(2, 1.0), (16, 8.0), (64, 128.0)])
def test_vectors_are_of_the_von_mises_fisher_distribution(d, kappa):
    ours = embeddings.on_sphere(5000, d, kappa, np.random.default_rng(0))
    np.testing.assert_allclose((ours**2).sum(axis=1), 1)
    theirs = stats.vonmises_fisher(np.eye(d)[0], kappa).rvs(5000, random_state=1)
    for i in (0, d - 1):
        assert stats.ks_2samp(ours[:, i], theirs[:, i]).pvalue > 0.001


def test_pointwise_values_of_embeddings_are_ratios_of_scipys_densities():
    law = embeddings.Sphere(dim=5, classes=3, kappa=4.0, redrawn=0.4)
    drawn = law(60, np.random.default_rng(0))
    around = [stats.vonmises_fisher(axis, 4.0) for axis in np.eye(5)[:3]]
    x, y = (np.array([law.pdf(each) for law in around]) for each in (drawn.x, drawn.y))
    channel = 0.6 * np.eye(3) / 3 + 0.4 / 9
    joint = np.einsum("cn,cd,dn->n", x, channel, y)
    np.testing.assert_allclose(
        drawn.pmi, np.log(joint / (x.mean(axis=0) * y.mean(axis=0))), atol=1e-9
    )


def test_embeddings_gather_around_the_axes_of_their_classes():
    law = embeddings.Sphere(dim=20, classes=4, kappa=300.0, redrawn=0.5)
    drawn = law(4000, np.random.default_rng(0))
    x, y = drawn.x.argmax(axis=1), drawn.y.argmax(axis=1)
    assert stats.chisquare(np.bincount(x)).pvalue > 0.001
    alike, expected = (x == y).mean(), 0.5 + 0.5 / 4
    assert abs(alike - expected) < 4 * np.sqrt(expected * (1 - expected) / 4000)
    told = np.log(0.5 + np.where(x == y, 0.5 * 4, 0))
    np.testing.assert_allclose(drawn.pmi, told, atol=1e-9)


@pytest.mark.parametrize("bits", embeddings.BITS)
def test_sentences_carry_their_bits(bits):
    task = find(f"sentences-{bits}-bits")
    assert task.information == pytest.approx(bits * np.log(2), abs=1e-12)
    drawn = task.draw(500, seed=1)
    classes = [side.reshape(500, 10, 64)[:, :, :2].argmax(axis=2) for side in (drawn.x, drawn.y)]
    flips = (classes[0] != classes[1]).mean()
    p = task.sampler.law.redrawn / 2
    assert abs(flips - p) <= 4 * np.sqrt(p * (1 - p) / 5000)
    assert agrees(task.information, drawn.pmi) or bits == 10 == round(drawn.pmi.std(), 9) + 10


@pytest.mark.parametrize(
    ("dim", "classes", "kappa"), [(64, 2, embeddings.CONCENTRATION), (64, 10, 192.0)]
)
def test_nobody_can_mistake_a_class(dim, classes, kappa):
    vectors = embeddings.on_sphere(20_000, dim, kappa, np.random.default_rng(0))
    lead = kappa * (vectors[:, 0] - vectors[:, 1:classes].max(axis=1))  # log odds, at the least
    # Were it normal, E exp(−lead), about what a mistake costs, would be this.
    assert lead.mean() - lead.var() / 2 > 30 and lead.min() > 30


def test_the_overlapping_classes_tell_less_than_their_channel():
    task = find("topics-overlapping-16-8")
    assert task.information < embeddings.OVERLAPPING.information - 0.5
    drawn = task.draw(100_000, seed=5)
    error = np.hypot(drawn.pmi.std() / np.sqrt(100_000), task.error)
    assert abs(drawn.pmi.mean() - task.information) < 4 * error

"""A Gaussian mixture as the joint density: Σ_k w_k N(μ_k, Σ_k) in (x, y), its marginals with it.

The marginals of a mixture are the mixtures of the marginals, so that one fit gives all three
densities of

    I(X; Y) ≈ mean of log p(x, y) − log p(x) − log p(y)                              (nats)

Every row is scored by a mixture that was not fitted to it (cross-fitting): otherwise, components
that collapse on a few samples would count as dependence.

The density contains a share ε of independent pairs, p = (1 − ε) q(x, y) + ε q(x) q(y): it has the
same marginals, and shrinks an overconfident mixture q as far as validation rows require.

References:
    Czyż et al. (2025), mixtures as models of dependence, arXiv:2310.10240.
    Dempster, Laird & Rubin (1977), on expectation maximization.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Annotated, Any

import numpy as np
from jaxtyping import Float

from mineral.basics.special import expit, logit
from mineral.basics.types import Matrix, PerSample, Progress, Rows, X, Y
from mineral.errors import InputError
from mineral.methods.base import Estimator, Measurement, Run
from mineral.methods.options import AtLeastOne, AtLeastTwo, Range
from mineral.models.mixture import Coordinates, Mixture, MixtureModel
from mineral.results import Caution
from mineral.samples import Fold, Paired, folds
from mineral.samples.transform import KNEE
from mineral.system.chance import first_import
from mineral.system.progress import portion
from mineral.system.threads import quiet

VALIDATION = 0.2  # share of a fold's other rows that selects among mixtures
CHOOSING = 10_000  # rows used for selection, at most; the selected mixture is refitted on all
FRUITLESS = 2  # consecutive sizes without improvement on validation rows, before the search ends
STARTS = ("kmeans", "random_from_data")  # the first suits clusters, the second crossing shapes
OUTLIER = 30.0  # scales from the center, from which on tails are always compressed
ROUNDS = 300  # of the iteration, at most


@dataclass(frozen=True, kw_only=True)
class GaussianMixture(Estimator):
    """A mixture of Gaussians fitted to (x, y): clusters, regimes, crossing shapes.

    Use it for rows of several kinds (clusters, regimes, crossing or concentric shapes) in up to
    about ten dimensions, with at least some hundred samples a component. It misses dependence that
    needs many components: edges (uniform noise), thin curves, and most dependence in many
    dimensions.

    The value is I(X; Y), minus the KL divergence of the fitted joint density from the true one,
    plus those of both marginals: neither bound, and with few samples usually too small, by up to
    dx·dy / 2n for each component of a fit to n rows.

    The number of components, the start of the iteration, whether far tails are compressed first,
    and the share of independent pairs are selected by the likelihood of validation rows, separately
    in each fold, on 10,000 rows at most.

    Args:
        components: Maximum number of components.
        folds: Parts of the samples, each scored by a mixture that was fitted to the others.
        regularization: Added to the variances of each component, in standardized units: the finest
            structure that is resolved.

    Example:
        >>> rng = np.random.default_rng(0)
        >>> x = rng.standard_normal(2000)
        >>> y = x * rng.choice([-1, 1], size=2000) + 0.3 * rng.standard_normal(2000)
        >>> round(GaussianMixture(components=4).estimate(x, y).value, 1)  # a cross, uncorrelated
        0.7
    """

    components: AtLeastOne = 16
    folds: AtLeastTwo = 3
    regularization: Annotated[float, Range(1e-12, 1)] = 1e-6

    name = "mixture"
    kind = "neither"

    def measure(self, samples: Paired, run: Run) -> Measurement:
        least = self._fewest(samples.dims)
        if len(samples) < least:
            raise InputError(
                f"`x` and `y` have {samples.dims} dimensions together, and a Gaussian mixture "
                f"needs at least {least} paired samples, got {len(samples)}: use "
                "estimator='copula', or reduce dimensions."
            )
        rng = run.rng()
        pointwise = np.empty(len(samples))
        fits = []
        for i, fold in enumerate(folds(len(samples), self.folds, validation=VALIDATION, rng=rng)):
            part = portion(run.progress, i / self.folds, (i + 1) / self.folds)
            fits.append(self._fit(samples, fold, rng, part))
            run.progress((i + 1) / self.folds, "fitting mixtures")  # sizes may not all be tried
            pointwise[fold.test] = fits[-1].mixture.log_ratio(
                samples.x[fold.test], samples.y[fold.test]
            )
        value, stderr = float(pointwise.mean()), float(pointwise.std() / np.sqrt(len(samples)))
        parts = [float(pointwise[fit.test].mean()) for fit in fits]
        return Measurement(
            value=value,
            stderr=stderr,
            pointwise=pointwise,
            model=MixtureModel(members=tuple(fit.mixture for fit in fits)),
            cautions=self._cautions(samples, fits, parts, stderr),
        )

    def _fewest(self, dims: int) -> int:
        """Rows from which every fold's training rows are 2 for each dimension, and 20."""
        training = (1 - VALIDATION) * (1 - 1 / self.folds)
        return int(np.ceil(max(20, 2 * dims) / training)) + self.folds

    def _fit(
        self, samples: Paired, fold: Fold, rng: np.random.Generator, progress: Progress
    ) -> "_Fit":
        """Select on training and validation rows, then refit the selection to both together."""
        tried = list(_coordinates(samples.x[fold.training], samples.y[fold.training]))
        candidates = [
            candidate
            for i, coordinates in enumerate(tried)
            for candidate in self._candidates(
                coordinates,
                samples,
                fold,
                rng,
                portion(progress, i / len(tried), (i + 1) / len(tried)),
            )
        ]
        if not candidates:
            raise InputError(
                "No Gaussian mixture can be fitted to these samples at `regularization` "
                f"{self.regularization:g}: raise it, or use estimator='ksg'."
            )
        chosen = max(candidates, key=lambda candidate: candidate.score)
        rows = np.concatenate([fold.training, fold.validation])
        fit = self._refit(chosen, chosen.coordinates(samples.x[rows], samples.y[rows]))
        before = _mixture(chosen.coordinates, chosen.fit)
        ratio = before.log_ratio(samples.x[fold.validation], samples.y[fold.validation])
        return _Fit(
            test=fold.test,
            mixture=replace(_mixture(chosen.coordinates, fit), chance=_chance(ratio, len(rows))),
            rows=len(rows),
            converged=bool(fit.converged_),
        )

    def _candidates(
        self,
        coordinates: Coordinates,
        samples: Paired,
        fold: Fold,
        rng: np.random.Generator,
        progress: Progress,
    ) -> list["_Candidate"]:
        """Mixtures of increasing size, until the validation likelihood stops rising."""
        training, validation = (
            coordinates(samples.x[rows], samples.y[rows])
            for rows in (fold.training[:CHOOSING], fold.validation[:CHOOSING])
        )
        limit = self._most(len(training), samples.dims)
        candidates: list[_Candidate] = []
        best, fruitless = -np.inf, 0
        for size in _sizes(limit):
            progress(size / limit, f"fitting {size} components")
            found = [
                _Candidate(coordinates=coordinates, fit=fit, score=score)
                for start in (STARTS if size > 1 else STARTS[:1])
                for fit, score in self._tried(size, start, training, validation, rng)
            ]
            candidates += found
            score = max((candidate.score for candidate in found), default=-np.inf)
            fruitless = 0 if score > best else fruitless + 1
            best = max(best, score)
            if fruitless == FRUITLESS:
                break
        stretch = _log_stretch(coordinates, validation)
        return [replace(candidate, score=candidate.score + stretch) for candidate in candidates]

    def _most(self, rows: int, dims: int) -> int:
        """Components, so that each has a row for each of its parameters; at least one."""
        parameters = dims * (dims + 3) // 2 + 1
        return max(1, min(self.components, rows // parameters))

    def _tried(
        self,
        size: int,
        start: str,
        training: Float[np.ndarray, "n d"],
        validation: Float[np.ndarray, "m d"],
        rng: np.random.Generator,
    ) -> Iterator[tuple[Any, float]]:
        """A mixture and its mean log density of the validation rows; None if the fit fails."""
        fit = _sklearn().GaussianMixture(
            size,
            reg_covar=self.regularization,
            tol=1e-4,
            max_iter=ROUNDS,
            init_params=start,
            random_state=int(rng.integers(2**31)),
        )
        if _fitted(fit, training):
            yield fit, float(fit.score(validation))

    def _refit(self, chosen: "_Candidate", z: Matrix) -> Any:  # noqa: ANN401
        """The selected mixture refitted on more rows; unchanged if a component collapses."""
        start = chosen.fit
        fit = _sklearn().GaussianMixture(
            start.n_components,
            reg_covar=self.regularization,
            tol=1e-5,
            max_iter=ROUNDS,
            weights_init=start.weights_ / start.weights_.sum(),
            means_init=start.means_,
            precisions_init=start.precisions_,
            random_state=0,
        )
        return fit if _fitted(fit, z) else start

    def _cautions(
        self, samples: Paired, fits: list["_Fit"], parts: list[float], stderr: float
    ) -> tuple[Caution, ...]:
        cautions = []
        if any(_is_flat(fit.mixture, samples.x.shape[1], self.regularization) for fit in fits):
            cautions.append(
                Caution(
                    "deterministic",
                    "In one component, a linear combination of `x` equals one of `y` up to "
                    "`regularization`: the value grows as `regularization` is lowered, and the "
                    "mutual information may be infinite.",
                )
            )
        sizes = [len(fit.mixture.weights) for fit in fits]
        parameters = [size * _pairs(samples) for size in sizes]  # that join x and y
        missing = np.mean([k / (2 * fit.rows) for k, fit in zip(parameters, fits, strict=True)])
        if missing > max(0.05, stderr):
            cautions.append(
                Caution(
                    "few-samples",
                    f"{len(samples):,} samples are few for mixtures of {_listed(sizes)} "
                    f"components in {samples.dims} dimensions: the value may be {missing:.2g} "
                    "nats too low for this reason alone. Compare with estimator='copula'.",
                )
            )
        if np.ptp(parts) > 6 * max(stderr, 0.01) * np.sqrt(len(parts)):
            cautions.append(
                Caution(
                    "folds-disagree",
                    f"The folds gave {', '.join(f'{part:.2f}' for part in parts)} nats and differ "
                    "by more than sampling error: the mixtures differ. Collect more samples, or "
                    "try another seed.",
                )
            )
        if 1 < self.components == min(sizes):
            cautions.append(
                Caution(
                    "too-few-components",
                    f"The maximum number of components, {self.components}, fitted best: raise "
                    "`components`.",
                )
            )
        if not all(fit.converged for fit in fits):
            cautions.append(
                Caution(
                    "not-converged",
                    "The EM algorithm did not converge: lower `components`.",
                )
            )
        return tuple(cautions)


@dataclass(frozen=True, kw_only=True)
class _Candidate:
    """A mixture of scikit-learn's, and the mean log density of the validation rows under it."""

    coordinates: Coordinates
    fit: Any
    score: float


@dataclass(frozen=True, kw_only=True)
class _Fit:
    test: Rows
    mixture: Mixture
    rows: int
    converged: bool


def _sklearn() -> Any:  # noqa: ANN401
    with first_import("sklearn.mixture"):  # slow: only when needed
        import sklearn.mixture
    return sklearn.mixture


def _fitted(fit: Any, z: Matrix) -> bool:  # noqa: ANN401
    """Fit without warnings, since `converged_` says the same. False if a component collapses."""
    with quiet():
        try:
            fit.fit(z)
        except ValueError:
            return False
    return True


def _mixture(coordinates: Coordinates, fit: Any) -> Mixture:  # noqa: ANN401
    return Mixture(
        coordinates=coordinates,
        weights=fit.weights_,
        means=fit.means_,
        covariances=fit.covariances_,
    )


def _chance(ratio: PerSample, rows: int) -> float:
    """The ε of (1 − ε) q(x, y) + ε q(x) q(y) that maximizes the validation likelihood.

    The likelihood is concave in ε, and its derivative has the sign of the mean posterior
    probability of an independent pair, minus ε. At least one pair in all the rows is allowed to be
    independent.
    """
    low, high = logit(1 / (rows + 2)), logit(1 - 1 / (rows + 2))
    for _ in range(40):
        middle = (low + high) / 2
        if expit(middle - ratio).mean() > expit(middle):
            low = middle
        else:
            high = middle
    return float(expit((low + high) / 2))


def _coordinates(x: X, y: Y) -> Iterator[Coordinates]:
    """Compressed tails, for outliers; and the identity, if no training row is an outlier."""
    yield Coordinates.fit(x, y, compressed=True)
    straight = Coordinates.fit(x, y, compressed=False)
    if max(-straight.low.min(), straight.high.max()) < OUTLIER:
        yield straight


def _log_stretch(coordinates: Coordinates, z: Matrix) -> float:
    """Mean log derivative of the compression, the change of variables of the log density."""
    if not coordinates.compressed:
        return 0.0
    # Compressed is 3 + log(1 + |z| − 3), whose derivative is 1 / (1 + |z| − 3).
    return -float(np.maximum(np.abs(z) - KNEE, 0.0).sum(axis=1).mean())


def _sizes(limit: int) -> Iterator[int]:
    """1, 2, 3, 4, 5, 6, 8, 10, 12, 15, … up to the limit, which is one of them."""
    size = 1
    while size < limit:
        yield size
        size = max(size + 1, round(1.25 * size))
    yield limit


def _is_flat(mixture: Mixture, dx: int, regularization: float) -> bool:
    """Whether a component is flat across x and y, though neither in x alone nor in y alone."""

    def thin(covariances: np.ndarray) -> np.ndarray:
        return np.asarray(np.linalg.eigvalsh(covariances)[:, 0] < 3 * regularization)

    c = mixture.covariances
    return bool((thin(c) & ~thin(c[:, :dx, :dx]) & ~thin(c[:, dx:, dx:])).any())


def _pairs(samples: Paired) -> int:
    return int(samples.x.shape[1] * samples.y.shape[1])


def _listed(sizes: list[int]) -> str:
    return ", ".join(str(size) for size in sorted(set(sizes)))

"""Transfer entropy and active information: how the past predicts the present.

    transfer entropy      TE = I(Y_t; X_{t−l}, …, X_{t−l−k+1} | Y_{t−1}, …, Y_{t−h})
    active information    AIS = I(Y_t; Y_{t−1}, …, Y_{t−h})

with the lag l, the source history k and the target history h.

References:
    Schreiber (2000), transfer entropy, doi:10.1103/PhysRevLett.85.461.
    Barnett, Barrett & Seth (2009), arXiv:0910.4514: for Gaussian series half of Granger causality.
    Lizier, Prokopenko & Zomaya (2012), active information storage, arXiv:1208.4473.
"""

from dataclasses import replace
from typing import Any, Literal, TypeAlias

import numpy as np
import torch

from mineral.api import count_of, resolve
from mineral.basics.types import Missing, Unit
from mineral.errors import OptionError
from mineral.methods import Estimator
from mineral.results import Estimate
from mineral.series.dependent import estimated
from mineral.series.embedding import Lags, embed, read_mask
from mineral.series.history import choose_history
from mineral.series.reading import Series, read_series
from mineral.series.surrogates import against_surrogates
from mineral.series.theiler import check_window
from mineral.system.progress import ProgressOption

History: TypeAlias = int | Literal["auto"]


def transfer_entropy(
    source: Any,  # noqa: ANN401
    target: Any,  # noqa: ANN401
    *,
    lag: int = 1,
    history: History = "auto",
    source_history: int = 1,
    given: Any = None,  # noqa: ANN401
    given_history: int | None = None,
    max_history: int = 10,
    mask: Any = None,  # noqa: ANN401
    theiler: int = 0,
    estimator: str | Estimator | type[Estimator] = "auto",
    seed: int = 0,
    device: str | torch.device | None = None,
    progress: ProgressOption = False,
    confidence: float = 0.95,
    unit: Unit = "nats",
    missing: Missing = "raise",
    permutations: int = 0,
    **options: Any,  # noqa: ANN401
) -> Estimate:
    """Transfer entropy: I(target's present; source's past | target's past), of time series.

    It is 0 if the past of the source does not improve the prediction of the target from its own
    past. Estimates are not clipped: a negative one means about 0. A series to itself is 0.

    Args:
        source: Shape (times,) or (times, d), of any type that `mineral.estimate` takes, in order
            of time and at equal distances; a list of such for several trials.
        target: The same, with the same times.
        lag: The distance of the most recent value of the source, in rows: at least 1.
        history: How many values of the target's own past are the condition; `"auto"` chooses the
            number that predicts the target best (held-out error) and reports it in `path`.
        source_history: How many values of the source, from `lag` on backwards.
        given: Further series whose past is a condition, with the same times: a common driver.
        given_history: How many values of `given`'s past, from lag 1 on. None reaches as far back
            as the source: lag + source_history − 1.
        max_history: The largest number that `"auto"` tries.
        mask: A boolean for each time, or a list of such for several trials: only times t at which
            it is True are presents of the target.
        theiler: With estimator="cmi-knn", rows at most this many rows apart in time are no
            neighbours (a Theiler window): for series sampled faster than they change.
        estimator: Any that has a condition: see docs/conditional.md.
        seed: Fixes every random choice.
        device: As in `mineral.estimate`.
        progress: As in `mineral.estimate`.
        confidence: The level of the interval, which accounts for autocorrelation.
        unit: `"nats"` or `"bits"`.
        missing: `"raise"`, or `"drop"` to leave out each row with a missing value at any lag.
        permutations: Surrogates of the source, for a test of no transfer, which gives `p_value`:
            199 can give 0.005.
        options: Of the estimator.

    Returns:
        The estimate: that of `mineral.estimate(past of source, target, given=past of target)`.

    Raises:
        InputError: If the series cannot be used, or are too short for their lags.
        InputTypeError: If they cannot be read as numbers or text.
        OptionError: If an option is out of range, such as lag 0, which is not transfer entropy.

    Example:
        >>> rng = np.random.default_rng(0)
        >>> x, e = rng.standard_normal((2, 2000))
        >>> y = np.roll(x, 1) + e
        >>> found = transfer_entropy(x, y, history=1)  # the true value is log(2) / 2 ≈ 0.35
        >>> found.interval[0] < 0.35 < found.interval[1]
        True
    """
    lag = count_of("lag", lag)
    if lag == 0:
        raise OptionError(
            "`lag` must be at least 1, got 0: transfer entropy is about the past of the source. "
            "Use mineral.lagged(x, y, lags=0) for dependence at the same time."
        )
    source_history = count_of("source_history", source_history, least=1)
    reach = lag + source_history - 1
    recipe = resolve(estimator, options)
    window = count_of("theiler", theiler)
    check_window(window, recipe, given=True)
    conditions = {} if given is None else {"given": given}
    series = read_series({"source": source, "target": target, **conditions})
    is_copy = _is_part(series["source"], series["target"])
    own, how = _history(series["target"], history, max_history)
    sides = {
        "x": [Lags(series=series["source"], lags=range(lag, reach + 1))],
        "y": [Lags(series=series["target"], lags=[0])],
        "z": [Lags(series=series["target"], lags=range(1, own + 1))],
    }
    if given is not None:
        last = reach if given_history is None else count_of("given_history", given_history, least=1)
        sides["z"].append(Lags(series=series["given"], lags=range(1, last + 1)))
    rows = embed(sides, missing=missing, mask=read_mask(mask, series["target"].lengths))
    found = estimated(
        rows,
        recipe,
        is_copy=is_copy,
        theiler=window,
        seed=seed,
        device=device,
        progress=progress,
        confidence=confidence,
        unit=unit,
    )
    sentences = [_lags_in_words(lag, source_history), how]
    p_value = None
    surrogates = count_of("permutations", permutations)
    if surrogates:
        p_value = 1.0
        if not is_copy:
            p_value, sentence = against_surrogates(rows, sides["x"][0], surrogates, found.seed)
            sentences.append(sentence)
    return replace(found, p_value=p_value, path=(*sentences, *found.path))


def active_information(
    series: Any,  # noqa: ANN401
    *,
    history: History = "auto",
    max_history: int = 10,
    mask: Any = None,  # noqa: ANN401
    theiler: int = 0,
    estimator: str | Estimator | type[Estimator] = "auto",
    seed: int = 0,
    device: str | torch.device | None = None,
    progress: ProgressOption = False,
    confidence: float = 0.95,
    unit: Unit = "nats",
    missing: Missing = "raise",
    **options: Any,  # noqa: ANN401
) -> Estimate:
    """Active information storage: I(present; own past), how well a series predicts itself.

    Args:
        series: Shape (times,) or (times, d), or a list of such for several trials.
        history: How many values of the past; `"auto"` chooses by held-out prediction error.
        max_history: The largest number that `"auto"` tries.
        mask: A boolean for each time: only times t at which it is True are presents.
        theiler: With estimator="ksg", rows at most this many rows apart in time are no neighbours.
        estimator: Any of `mineral.estimators()`.
        seed: Fixes every random choice.
        device: As in `mineral.estimate`.
        progress: As in `mineral.estimate`.
        confidence: The level of the interval, which accounts for autocorrelation.
        unit: `"nats"` or `"bits"`.
        missing: `"raise"`, or `"drop"` to leave out each row with a missing value at any lag.
        options: Of the estimator.

    Raises:
        InputError: If the series cannot be used, or is too short for its lags.
        InputTypeError: If it cannot be read as numbers or text.
        OptionError: If an option is out of range.

    Example:
        >>> from scipy.signal import lfilter
        >>> noise = np.random.default_rng(0).standard_normal(2000)
        >>> found = active_information(lfilter([1], [1, -0.8], noise), estimator="copula")
        >>> abs(found.value - 0.51) < 0.05  # ½ log(1 / (1 − .8²))
        True
    """
    recipe = resolve(estimator, options)
    window = count_of("theiler", theiler)
    check_window(window, recipe, given=False)
    own = read_series({"series": series})["series"]
    depth, how = _history(own, history, max_history)
    sides = {
        "x": [Lags(series=own, lags=range(1, depth + 1))],
        "y": [Lags(series=own, lags=[0])],
    }
    found = estimated(
        embed(sides, missing=missing, mask=read_mask(mask, own.lengths)),
        recipe,
        is_copy=False,
        theiler=window,
        seed=seed,
        device=device,
        progress=progress,
        confidence=confidence,
        unit=unit,
    )
    return replace(found, path=(how, *found.path))


def _history(series: Series, history: History, most: int) -> tuple[int, str]:
    """The number of lags of a series' own past, and how it was chosen."""
    if history == "auto":
        most = count_of("max_history", most, least=1)
        chosen = choose_history(series, most)
        return chosen, f"History: {chosen} of up to {most} lags, by held-out prediction error."
    if isinstance(history, str):
        raise OptionError(f"`history` must be a whole number or 'auto', got {history!r}.")
    chosen = count_of("history", history, least=1)
    return chosen, f"History: {chosen} lag{'s' * (chosen > 1)} of the target."


def _lags_in_words(lag: int, source_history: int) -> str:
    last = lag + source_history - 1
    lags = f"lag {lag}" if last == lag else f"lags {lag} to {last}"
    return f"Transfer entropy from {lags} of the source."


def _is_part(source: Series, target: Series) -> bool:
    """Whether every column of the source is a column of the target."""

    def equal(i: int, j: int) -> bool:
        pairs = zip(source.trials, target.trials, strict=True)
        return all(
            a[i].dtype == b[j].dtype and np.array_equal(a[i], b[j], equal_nan=a[i].dtype != object)
            for a, b in pairs
        )

    columns = range(len(target.names))
    return all(any(equal(i, j) for j in columns) for i in range(len(source.names)))

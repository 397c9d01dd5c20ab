"""Several estimators on the same samples, and the curves of those that train."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np

from mineral.api import resolve
from mineral.basics.types import Matrix
from mineral.critics import JointCritic
from mineral.experiments.base import Context, Numbers
from mineral.methods import Estimator
from mineral.methods.neural.critics import Neural

LABELS = {
    "mine": "MINE",
    "nwj": "MINE-f",
    "residual": "copula and critic",
    "ksg": "KSG",
    "gaussian": "Gaussian",
    "auto": "default",
}


def estimators(
    names: Sequence[str],
    *,
    hidden: tuple[int, ...],
    **options: Any,  # noqa: ANN401
) -> dict[str, Estimator]:
    """By name; those that train a critic on pairs [x, y] get its layers, and these options.

    Raises:
        OptionError: If there is no such estimator.
    """
    found = {}
    for name in names:
        estimator = resolve(name)
        if isinstance(estimator, Neural):
            critic = partial(JointCritic, hidden=hidden)
            estimator = replace(estimator, critic=critic, **options)
        found[name] = estimator
    return found


def measured(
    context: Context[Any], each: Mapping[str, Estimator], x: Matrix, y: Matrix
) -> dict[str, Numbers]:
    """The value and standard error of each estimator in nats, and its cautions."""
    found: dict[str, Numbers] = {}
    for i, (name, estimator) in enumerate(each.items()):
        estimate = estimator.estimate(
            x, y, seed=context.seed_for(context.key, name), device=context.device
        )
        for fold, curve in enumerate(estimate.evidence.curves):
            for step, value in zip(curve.steps, curve.validation, strict=True):
                context.log(f"{name}/validation-{fold}", value, step)
        found[name] = {
            "value": estimate.value,
            "stderr": estimate.stderr,
            "cautions": [caution.code for caution in estimate.warnings],
        }
        context.progress((i + 1) / len(each))
    return found


def values(results: Mapping[str, Numbers], keys: Sequence[Sequence[str]], name: str) -> np.ndarray:
    """An estimator's values: a row for each place, with a column for each seed; NaN where none.

    Args:
        results: Of all cells.
        keys: For each place, the keys of its cells.
        name: Of the estimator.
    """
    held = [[results[key]["measured"][name]["value"] for key in row] for row in keys]
    return np.array(held, float)

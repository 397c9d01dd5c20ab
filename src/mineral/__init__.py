"""Mineral: mutual information from samples, with an interval and an honest word on its worth.

>>> import numpy as np, mineral
>>> rng = np.random.default_rng(0)
>>> x = rng.standard_normal(2000)
>>> result = mineral.estimate(x, np.exp(x + rng.standard_normal(2000)))
>>> result.estimator, round(result.value, 2)  # the true value is log(2) / 2 ≈ 0.35
('copula', 0.36)
"""

from mineral import bounds
from mineral.critics import JointCritic, SeparableCritic
from mineral.door import estimate, estimators
from mineral.errors import (
    InputError,
    InputTypeError,
    MineralError,
    MissingExtraError,
    OptionError,
)
from mineral.loading import load
from mineral.methods import KSG, MINE, Auto, Estimator, Gaussian, GaussianCopula, InfoNCE
from mineral.mine import Mine
from mineral.results import Caution, Estimate

__all__ = [
    "KSG",
    "MINE",
    "Auto",
    "Caution",
    "Estimate",
    "Estimator",
    "Gaussian",
    "GaussianCopula",
    "InfoNCE",
    "InputError",
    "InputTypeError",
    "JointCritic",
    "Mine",
    "MineralError",
    "MissingExtraError",
    "OptionError",
    "SeparableCritic",
    "bounds",
    "estimate",
    "estimators",
    "load",
]

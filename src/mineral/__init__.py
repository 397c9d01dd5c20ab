"""Mineral: mutual information from samples, with an interval and an honest word on its worth.

>>> import numpy as np, mineral
>>> rng = np.random.default_rng(0)
>>> x = rng.standard_normal(2000)
>>> result = mineral.estimate(x, np.exp(x + rng.standard_normal(2000)))
>>> result.estimator, round(result.value, 2)  # the true value is log(2) / 2 ≈ 0.35
('copula', 0.34)
"""

from mineral import bounds, gradients, stability
from mineral.critics import (
    BilinearCritic,
    Concatenated,
    ConvolutionalCritic,
    JointCritic,
    SeparableCritic,
)
from mineral.door import estimate, estimators
from mineral.errors import (
    InputError,
    InputTypeError,
    MineralError,
    MissingExtraError,
    OptionError,
)
from mineral.methods import (
    CLUB,
    GANDIME,
    KDE,
    KLDIME,
    KSG,
    LMI,
    LNC,
    MINDE,
    MINE,
    NWJ,
    SMILE,
    Auto,
    DifferenceOfEntropies,
    Discrete,
    DonskerVaradhan,
    Estimator,
    Flow,
    Gaussian,
    GaussianCopula,
    GaussianMixture,
    HellingerDIME,
    Histogram,
    InfoNCE,
    InfoNCEAnchor,
    JensenShannon,
    LeaveOneOut,
    Mixed,
    ReInfoNCE,
    ReJS,
    ReMINE,
    ReMINEJ,
    ReNWJ,
    ReSMILE,
    StudentCopula,
)
from mineral.mine import Mine
from mineral.models import load
from mineral.results import Caution, Estimate

__all__ = [
    "CLUB",
    "GANDIME",
    "KDE",
    "KLDIME",
    "KSG",
    "LMI",
    "LNC",
    "MINDE",
    "MINE",
    "NWJ",
    "SMILE",
    "Auto",
    "BilinearCritic",
    "Caution",
    "Concatenated",
    "ConvolutionalCritic",
    "DifferenceOfEntropies",
    "Discrete",
    "DonskerVaradhan",
    "Estimate",
    "Estimator",
    "Flow",
    "Gaussian",
    "GaussianCopula",
    "GaussianMixture",
    "HellingerDIME",
    "Histogram",
    "InfoNCE",
    "InfoNCEAnchor",
    "InputError",
    "InputTypeError",
    "JensenShannon",
    "JointCritic",
    "LeaveOneOut",
    "Mine",
    "MineralError",
    "MissingExtraError",
    "Mixed",
    "OptionError",
    "ReInfoNCE",
    "ReJS",
    "ReMINE",
    "ReMINEJ",
    "ReNWJ",
    "ReSMILE",
    "SeparableCritic",
    "StudentCopula",
    "bounds",
    "estimate",
    "estimators",
    "gradients",
    "load",
    "stability",
]

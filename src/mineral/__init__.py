"""Mineral: mutual information from samples, with an interval and an honest word on its worth.

>>> import numpy as np, mineral
>>> rng = np.random.default_rng(0)
>>> x = rng.standard_normal(2000)
>>> result = mineral.estimate(x, np.exp(x + rng.standard_normal(2000)))
>>> result.estimator, round(result.value, 2)  # the true value is log(2) / 2 ≈ 0.35
('copula', 0.34)
"""

from types import ModuleType
from typing import TYPE_CHECKING

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
from mineral.independence import Independence, independence
from mineral.methods import (
    CLUB,
    FLO,
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
    TUBA,
    Auto,
    Canonical,
    Classifier,
    Clusters,
    ContaminatedCopula,
    DifferenceOfEntropies,
    Discrete,
    Discriminant,
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
    Interpolated,
    JensenShannon,
    LeaveOneOut,
    Mixed,
    Projected,
    Regression,
    ReInfoNCE,
    ReJS,
    ReMINE,
    ReMINEJ,
    ReNWJ,
    Residual,
    ReSMILE,
    ReTUBA,
    StudentCopula,
)
from mineral.mine import Mine
from mineral.models import load
from mineral.quantities import divergence, entropy, total_correlation
from mineral.results import Caution, Estimate, Quantity

if TYPE_CHECKING:
    from mineral import tasks

__all__ = [
    "CLUB",
    "FLO",
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
    "TUBA",
    "Auto",
    "BilinearCritic",
    "Canonical",
    "Caution",
    "Classifier",
    "Clusters",
    "Concatenated",
    "ContaminatedCopula",
    "ConvolutionalCritic",
    "DifferenceOfEntropies",
    "Discrete",
    "Discriminant",
    "DonskerVaradhan",
    "Estimate",
    "Estimator",
    "Flow",
    "Gaussian",
    "GaussianCopula",
    "GaussianMixture",
    "HellingerDIME",
    "Histogram",
    "Independence",
    "InfoNCE",
    "InfoNCEAnchor",
    "InputError",
    "InputTypeError",
    "Interpolated",
    "JensenShannon",
    "JointCritic",
    "LeaveOneOut",
    "Mine",
    "MineralError",
    "MissingExtraError",
    "Mixed",
    "OptionError",
    "Projected",
    "Quantity",
    "ReInfoNCE",
    "ReJS",
    "ReMINE",
    "ReMINEJ",
    "ReNWJ",
    "ReSMILE",
    "ReTUBA",
    "Regression",
    "Residual",
    "SeparableCritic",
    "StudentCopula",
    "bounds",
    "divergence",
    "entropy",
    "estimate",
    "estimators",
    "gradients",
    "independence",
    "load",
    "stability",
    "tasks",
    "total_correlation",
]


def __getattr__(name: str) -> ModuleType:
    # Making hundreds of tasks takes longer than a quick start allows: only when asked for.
    if name == "tasks":
        import mineral.tasks

        return mineral.tasks
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")

"""Mineral: mutual information from samples, with an interval and an honest word on its worth.

>>> import numpy as np, mineral
>>> rng = np.random.default_rng(0)
>>> x = rng.standard_normal(2000)
>>> result = mineral.estimate(x, np.exp(x + rng.standard_normal(2000)))
>>> result.method, round(result.value, 2)  # the true value is log(2) / 2 ≈ 0.35
('auto (copula)', 0.34)
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mineral import bounds, gradients, stability, tasks
    from mineral.links import Network, network
    from mineral.names import *  # noqa: F403
    from mineral.pairs import Matrix, matrix
    from mineral.selection import (
        SelectByInformation,
        information_classification,
        information_regression,
    )

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
    "CMIKnn",
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
    "Lagged",
    "LeaveOneOut",
    "Matrix",
    "Mine",
    "MineralError",
    "MissingExtraError",
    "Mixed",
    "Network",
    "OptionError",
    "PartialCopula",
    "PartialInformation",
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
    "SelectByInformation",
    "SeparableCritic",
    "Stratified",
    "StudentCopula",
    "active_information",
    "bounds",
    "divergence",
    "dual_total_correlation",
    "entropy",
    "estimate",
    "estimators",
    "gradients",
    "independence",
    "information_classification",
    "information_regression",
    "interaction_information",
    "lagged",
    "load",
    "matrix",
    "network",
    "o_information",
    "stability",
    "tasks",
    "total_correlation",
    "transfer_entropy",
]


_MODULES = ("bounds", "gradients", "stability", "tasks")
# Above `mineral.names` in the layers: these draw reports, or load scikit-learn.
_ELSEWHERE = {
    "Matrix": "mineral.pairs",
    "matrix": "mineral.pairs",
    "Network": "mineral.links",
    "network": "mineral.links",
    "SelectByInformation": "mineral.selection",
    "information_classification": "mineral.selection",
    "information_regression": "mineral.selection",
}


def __getattr__(name: str) -> Any:  # noqa: ANN401
    """Load the library, which takes torch's seconds, at the first use of any of its names."""
    if name in _MODULES:
        return importlib.import_module(f"mineral.{name}")
    if name in _ELSEWHERE:
        return getattr(importlib.import_module(_ELSEWHERE[name]), name)
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from mineral import names

    globals().update({each: getattr(names, each) for each in names.__all__})
    return globals()[name]


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})

"""Samples → measurement: one file for each family of estimators."""

from mineral.methods.auto import Auto
from mineral.methods.base import Estimator
from mineral.methods.gaussian import Gaussian, GaussianCopula
from mineral.methods.knn import KSG
from mineral.methods.neural import MINE, InfoNCE

__all__ = [
    "ESTIMATORS",
    "KSG",
    "MINE",
    "Auto",
    "Estimator",
    "Gaussian",
    "GaussianCopula",
    "InfoNCE",
]

ESTIMATORS: dict[str, type[Estimator]] = {
    estimator.name: estimator for estimator in (Auto, Gaussian, GaussianCopula, KSG, MINE, InfoNCE)
}
"""Every estimator, by the name used in `mineral.estimate` and on the command line."""

"""Samples → measurement: one file for each family of estimators."""

from mineral.methods.base import Estimator, Measurement, Run
from mineral.methods.baselined import FLO, TUBA, Interpolated, ReTUBA
from mineral.methods.canonical import Canonical
from mineral.methods.classifier import Classifier
from mineral.methods.clusters import Clusters
from mineral.methods.conditional.candidates import Stratified
from mineral.methods.conditional.cmi_knn import CMIKnn
from mineral.methods.conditional.partial_copula import PartialCopula
from mineral.methods.conditional.partial_information import PartialInformation
from mineral.methods.contaminated import ContaminatedCopula
from mineral.methods.default.auto import Auto
from mineral.methods.diffusion import MINDE
from mineral.methods.discrete import Discrete
from mineral.methods.discriminant import Discriminant
from mineral.methods.gaussian import Gaussian, GaussianCopula
from mineral.methods.generative import CLUB, DifferenceOfEntropies, Flow, LeaveOneOut
from mineral.methods.histogram import Histogram
from mineral.methods.kde import KDE
from mineral.methods.knn import KSG
from mineral.methods.latent import LMI
from mineral.methods.lnc import LNC
from mineral.methods.mixed import Mixed
from mineral.methods.mixture import GaussianMixture
from mineral.methods.neural import MINE, InfoNCE
from mineral.methods.projection import Projected
from mineral.methods.regression import Regression
from mineral.methods.residual import Residual
from mineral.methods.student import StudentCopula
from mineral.methods.variational import (
    GANDIME,
    KLDIME,
    NWJ,
    SMILE,
    DonskerVaradhan,
    HellingerDIME,
    InfoNCEAnchor,
    JensenShannon,
    ReInfoNCE,
    ReJS,
    ReMINE,
    ReMINEJ,
    ReNWJ,
    ReSMILE,
)

ESTIMATORS: dict[str, type[Estimator]] = {
    estimator.name: estimator
    for estimator in (
        Auto,
        # closed forms
        Gaussian,
        GaussianCopula,
        StudentCopula,
        ContaminatedCopula,
        GaussianMixture,
        Residual,
        Projected,
        Canonical,
        Clusters,
        # neighbours, kernels, cells, symbols
        KSG,
        LNC,
        Regression,
        Mixed,
        KDE,
        Histogram,
        Discrete,
        Discriminant,
        Classifier,
        # critics: lower bounds
        MINE,
        DonskerVaradhan,
        NWJ,
        JensenShannon,
        InfoNCE,
        TUBA,
        Interpolated,
        FLO,
        ReMINE,
        ReNWJ,
        ReTUBA,
        ReJS,
        ReInfoNCE,
        # critics: neither bound
        SMILE,
        ReSMILE,
        ReMINEJ,
        InfoNCEAnchor,
        KLDIME,
        GANDIME,
        HellingerDIME,
        # densities, diffusion, latent variables
        DifferenceOfEntropies,
        Flow,
        CLUB,
        LeaveOneOut,
        MINDE,
        LMI,
    )
}
"""Every estimator, by the name used in `mineral.estimate` and on the command line."""

CONDITIONAL: dict[str, type[Estimator]] = {
    kind.name: kind for kind in (PartialCopula, PartialInformation, CMIKnn, Stratified)
}
"""Estimators of I(X; Y | Z) only, which need a condition; "auto" and "discrete" take one, too."""

__all__ = [
    "CLUB",
    "CONDITIONAL",
    "ESTIMATORS",
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
    "CMIKnn",
    "Canonical",
    "Classifier",
    "Clusters",
    "ContaminatedCopula",
    "DifferenceOfEntropies",
    "Discrete",
    "Discriminant",
    "DonskerVaradhan",
    "Estimator",
    "Flow",
    "Gaussian",
    "GaussianCopula",
    "GaussianMixture",
    "HellingerDIME",
    "Histogram",
    "InfoNCE",
    "InfoNCEAnchor",
    "Interpolated",
    "JensenShannon",
    "LeaveOneOut",
    "Measurement",
    "Mixed",
    "PartialCopula",
    "PartialInformation",
    "Projected",
    "ReInfoNCE",
    "ReJS",
    "ReMINE",
    "ReMINEJ",
    "ReNWJ",
    "ReSMILE",
    "ReTUBA",
    "Regression",
    "Residual",
    "Run",
    "Stratified",
    "StudentCopula",
]

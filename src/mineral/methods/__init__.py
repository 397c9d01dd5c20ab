"""Samples → measurement: a folder for each family of estimators.

Read in this order:

    base.py, options.py  what an estimator is, and what an option may be
    counts/              contingency tables
    neighbours/          nearest neighbours
    copulas/             copulas of few parameters
    densities/           mixtures, kernels, flows, diffusion
    regressions/         one number as a function of others, plus noise
    projections/         many columns: PCA, kernel canonical variates, clusters
    classes/             a label and its features
    neural/              critics and bounds, cross-fitted
    wrappers/            estimate by parts: blocks of columns, atoms, time series
    default/             `auto`, which selects among them
    conditional/         I(X; Y | Z): estimators with a condition, and `auto` with one
    shares.py            answers of candidates, and their shares of one value
    normalized.py, learning_curve.py  checks that several families share
"""

from mineral.methods.base import Estimator, Measurement, Run
from mineral.methods.classes.classifier import Classifier
from mineral.methods.classes.discriminant import Discriminant
from mineral.methods.conditional.candidates import Stratified
from mineral.methods.conditional.cmi_knn import CMIKnn
from mineral.methods.conditional.partial_copula import PartialCopula
from mineral.methods.conditional.partial_information import PartialInformation
from mineral.methods.copulas.contaminated import ContaminatedCopula
from mineral.methods.copulas.gaussian import Gaussian, GaussianCopula
from mineral.methods.copulas.student import StudentCopula
from mineral.methods.counts.discrete import Discrete
from mineral.methods.counts.histogram import Histogram
from mineral.methods.default.auto import Auto
from mineral.methods.densities.diffusion import MINDE
from mineral.methods.densities.generative import CLUB, DifferenceOfEntropies, Flow, LeaveOneOut
from mineral.methods.densities.kde import KDE
from mineral.methods.densities.mixture import GaussianMixture
from mineral.methods.neighbours.knn import KSG
from mineral.methods.neighbours.lnc import LNC
from mineral.methods.neighbours.mixed import Mixed
from mineral.methods.neural.baselined import FLO, TUBA, Interpolated, ReTUBA
from mineral.methods.neural.critics import MINE, InfoNCE
from mineral.methods.neural.residual import Residual
from mineral.methods.neural.variational import (
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
from mineral.methods.projections.canonical import Canonical
from mineral.methods.projections.clusters import Clusters
from mineral.methods.projections.latent import LMI
from mineral.methods.projections.projection import Projected
from mineral.methods.regressions.regression import Regression

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

"""The likeliest of the copulas that have few parameters: Gaussian, Student t, or partly chance."""

from dataclasses import dataclass

import numpy as np

from mineral.methods.base import Estimator, Measurement, Run
from mineral.methods.contaminated import ContaminatedCopula
from mineral.methods.gaussian import GaussianCopula
from mineral.methods.normalized import normalized
from mineral.methods.student import StudentCopula
from mineral.models import ContaminatedModel, CopulaModel, StudentModel
from mineral.samples import Paired
from mineral.types import PerSample

CLEARLY = 2.0  # standard errors


@dataclass(frozen=True, kw_only=True)
class LikeliestCopula(Estimator):
    """A t copula or a partly random Gaussian one where rows clearly say so; else the Gaussian's."""

    name = "likeliest-copula"
    kind = "neither"

    def measure(self, samples: Paired, run: Run) -> Measurement:
        student = StudentCopula().measure(samples, run)
        partly = ContaminatedCopula().measure(samples, run)
        if not isinstance(partly.model, ContaminatedModel) or student.model is None:
            return student
        # An ellipse may claim more than any density ratio can.
        claimed = student.value - normalized(student, samples, run).value
        gain = _uncorrected(partly) - _uncorrected(student) + claimed
        clear = gain.mean() > CLEARLY * gain.std() / np.sqrt(len(gain))
        return partly if clear else student


def _uncorrected(found: Measurement) -> PerSample:
    """Each row's log density ratio as fitted, before the bias of fitting is taken off."""
    assert found.pointwise is not None
    model = found.model
    if isinstance(model, CopulaModel):
        return found.pointwise + model.gaussian.offset
    assert isinstance(model, (ContaminatedModel, StudentModel))
    return found.pointwise + model.offset


def named(found: Measurement) -> Estimator:
    """The copula that a measurement is of."""
    if isinstance(found.model, StudentModel):
        return StudentCopula()
    if isinstance(found.model, ContaminatedModel):
        return ContaminatedCopula()
    return GaussianCopula()

"""What was learned, kept: log density ratios that score new pairs, and their files.

base.py          a model, and its file
gaussian.py      a Gaussian, and a Gaussian copula; marginals.py the marginals of a copula
student.py       a Student-t copula
contaminated.py  a Gaussian copula with a share of independent rows
mixture.py       a Gaussian mixture
critics.py       networks
selecting.py     a model of some of the columns
"""

import os
from functools import partial

from mineral.basics.types import CriticFactory
from mineral.models.base import FORMAT, Model, Rebuild, read
from mineral.models.contaminated import ContaminatedModel, rebuild_contaminated
from mineral.models.critics import CRITICS, CriticModel, Member, rebuild_critics
from mineral.models.gaussian import CopulaModel, GaussianModel, rebuild_copula, rebuild_gaussian
from mineral.models.marginals import KNOTS, Marginal
from mineral.models.mixture import MixtureModel, rebuild_mixture
from mineral.models.selecting import SelectingModel, rebuild_selecting
from mineral.models.student import StudentModel, rebuild_student

__all__ = [
    "CRITICS",
    "FORMAT",
    "KNOTS",
    "ContaminatedModel",
    "CopulaModel",
    "CriticModel",
    "GaussianModel",
    "Marginal",
    "Member",
    "MixtureModel",
    "Model",
    "SelectingModel",
    "StudentModel",
    "load",
]

KINDS: dict[str, Rebuild[Model]] = {
    GaussianModel.kind: rebuild_gaussian,
    CopulaModel.kind: rebuild_copula,
    CriticModel.kind: rebuild_critics,
    StudentModel.kind: rebuild_student,
    MixtureModel.kind: rebuild_mixture,
    ContaminatedModel.kind: rebuild_contaminated,
}
"""For each kind of model, what makes it of its file."""

KINDS[SelectingModel.kind] = partial(rebuild_selecting, dict(KINDS))


def load(path: str | os.PathLike[str], *, critic: CriticFactory | None = None) -> Model:
    """Read a model that `save` wrote. Runs no code from the file.

    Args:
        path: The file.
        critic: Builds the critic from (dx, dy), where the model was trained with one of your own.

    Raises:
        InputError: If the file is missing, damaged, or not a model of Mineral's.
        OptionError: If `critic` builds another network than the one that was saved.
    """
    return read(path, critic, KINDS)

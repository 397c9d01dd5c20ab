"""The literature's own experiments: in minutes or hours on a CPU, or at the size of the paper.

Read in this order:

    base.py         an experiment: independent cells of work, and a conclusion from them
    runner.py       runs cells into a folder, and resumes; parallel.py several at a time
    estimators/     experiments about estimators: errors, limits, gradients
    models/         experiments with models: GANs, ALI, bottlenecks, InfoMax
    privacy/        experiments with encoders that hide something
    measuring.py, streaming.py  estimators on the same samples; training without end
    checkpoints.py  a training run in one file
    scalars.py      training curves, as logged
    drawings.py, writing.py     figures; the report
"""

from typing import Any

from mineral.errors import OptionError, suggestion
from mineral.experiments.base import Cell, Conclusion, Context, Experiment, Table
from mineral.experiments.estimators.consistency import CONSISTENCY
from mineral.experiments.estimators.drifting import DRIFTING
from mineral.experiments.estimators.estimation import ESTIMATION
from mineral.experiments.estimators.gradients import GRADIENTS
from mineral.experiments.estimators.limits import LIMITS
from mineral.experiments.estimators.nonlinear import NONLINEAR
from mineral.experiments.estimators.staircase import STAIRCASE
from mineral.experiments.models.bidirectional import BIDIRECTIONAL
from mineral.experiments.models.bottleneck import BOTTLENECK
from mineral.experiments.models.infomax import INFOMAX
from mineral.experiments.models.information_plane import PLANE
from mineral.experiments.models.points import GAN_POINTS
from mineral.experiments.models.stacked import STACKED_MNIST
from mineral.experiments.privacy.neuracrypt import NEURACRYPT
from mineral.experiments.privacy.shaping_gaussian import SHAPING_GAUSSIAN
from mineral.experiments.privacy.shaping_mnist import SHAPING_MNIST
from mineral.experiments.runner import run

EXPERIMENTS: dict[str, Experiment[Any]] = {
    each.name: each
    for each in (
        ESTIMATION,
        NONLINEAR,
        STAIRCASE,
        DRIFTING,
        LIMITS,
        GRADIENTS,
        CONSISTENCY,
        BOTTLENECK,
        PLANE,
        INFOMAX,
        SHAPING_GAUSSIAN,
        SHAPING_MNIST,
        NEURACRYPT,
        GAN_POINTS,
        STACKED_MNIST,
        BIDIRECTIONAL,
    )
}
"""By the name used on the command line."""


def find(name: str) -> Experiment[Any]:
    """The experiment of that name.

    Raises:
        OptionError: If there is none, naming the closest.
    """
    if name in EXPERIMENTS:
        return EXPERIMENTS[name]
    hint = suggestion(name, EXPERIMENTS, always=True)
    raise OptionError(
        f"There is no experiment {name!r}.{hint} `mineral experiment list` lists all."
    )


def with_mode(mode: str) -> list[Experiment[Any]]:
    """The experiments that have settings for a mode: "quick", "standard" or "full"."""
    return [each for each in EXPERIMENTS.values() if mode in each.modes]


__all__ = [
    "EXPERIMENTS",
    "Cell",
    "Conclusion",
    "Context",
    "Experiment",
    "Table",
    "find",
    "run",
    "with_mode",
]

"""Regular values: an index, years, wavelengths, timestamps, ranks, a grid, log-spaced doses.

Values are unique, with equal spacings. With a response, the truth treats them as their limit, the
uniform distribution.
"""

from functools import partial

from mineral.tasks.everyday import marginals as of
from mineral.tasks.everyday.densities import Response, dose_response, line, wave
from mineral.tasks.everyday.wrappers import Beside, independent, known
from mineral.tasks.task import Task

KIND = "regular"
YEARS = partial(of.index, start=1950)
SECONDS = partial(of.index, start=1_700_000_000, step=3600)
UNIT = partial(of.grid, low=0.0, high=1.0)
WAVELENGTHS = partial(of.grid, low=380.0, high=740.0)
INDEX_BESIDE = partial(of.beside, parts=(of.index, of.normal))
JITTERED = partial(of.jittered, share=0.1)


def response(name: str, law: Response) -> Task:
    """A noisy curve over a design."""
    return known(KIND, name, law, curve=law.curve.__name__, sigma=law.sigma)


TASKS: tuple[Task, ...] = (
    independent(KIND, "index", of.index, of.normal),
    independent(KIND, "years", YEARS, of.normal),
    independent(KIND, "timestamps", SECONDS, of.amounts),
    independent(KIND, "wavelengths", WAVELENGTHS, partial(of.normal, d=2), (1, 2)),
    independent(KIND, "jittered", JITTERED, of.normal),
    independent(KIND, "doses", of.doses, of.normal),
    independent(KIND, "permutations", of.permutation, of.permutation),
    independent(KIND, "index-permutation", of.index, of.permutation),
    independent(KIND, "ranks-labels", of.permutation, partial(of.codes, count=4)),
    independent(KIND, "index-columns", of.index, partial(of.normal, d=3), (1, 3)),
    independent(KIND, "pixels", of.pixels, of.normal, (2, 1)),
    independent(KIND, "index-beside", INDEX_BESIDE, of.normal, (2, 1)),
    response("line-0.1", Response(UNIT, line, 0.1)),
    response("line-0.001", Response(UNIT, line, 0.001)),
    response("line-0.5", Response(UNIT, line, 0.5)),
    response("years-trend", Response(YEARS, line, 0.3)),
    response("timestamps-wave", Response(SECONDS, wave, 0.4)),
    response("wavelengths-wave", Response(WAVELENGTHS, wave, 0.1)),
    response("jittered-line", Response(JITTERED, line, 0.1)),
    response("ranks-line", Response(of.permutation, line, 0.2)),
    known(
        KIND,
        "doses-response",
        Response(of.doses, dose_response, 0.1, logarithmic=True),
        curve="dose_response",
        sigma=0.1,
    ),
    known(
        KIND,
        "line-beside",
        Beside(Response(of.index, line, 0.1), more_x=of.normal, dims=(1, 0)),
        curve="line",
        sigma=0.1,
    ),
)

"""The suite of conditional laws: values from their sources, and samples that bear them out."""

import numpy as np
import pytest

import mineral
from mineral.errors import OptionError
from mineral.tasks import Draw, Task, find, suite
from mineral.tasks.conditional_laws import Trivariate

PUBLISHED = {  # closed forms and quadratures of the sources, to five digits
    "given-normal": 0.29280,
    "given-chain": 0.70853,
    "given-fork": 0.0,
    "given-collider-1": 0.14384,
    "given-collider-0.5": 0.51083,
    "given-uniform-shift-1": 2.30756,
    "given-post-nonlinear-tanh": 0.73455,
    "given-post-nonlinear-exp-abs": 0.28123,
    "given-post-nonlinear-cos": 0.08066,
    "given-scaled-noise": 0.39258,
    "given-student-1-1d": 0.08268,
    "given-student-2-2d": 0.07213,
    "given-sign-flip": 0.83037,
    "given-sine-shift": 1.70944,
    "given-monotone-5d": 0.71921,
    "given-uniform-above-3": 0.63651,
    "given-uniform-above-5": 1.05492,
    "given-gaussian-or-coins": 1.04493,
    "given-noisy-xor": 0.36806,
    "given-zero-inflated-poisson": 0.22978,
    "given-count-chain": 0.0,
}


@pytest.mark.parametrize(("name", "value"), PUBLISHED.items())
def test_values_are_those_of_the_sources(name, value):
    assert find(name).information == pytest.approx(value, abs=1e-5)


def test_every_task_draws_its_condition():
    for task in suite("conditional"):
        drawn = task.draw(5, seed=0)
        assert drawn.z.shape == (5, task.dim_z) and task.dim_z > 0
        assert np.array_equal(drawn.z, task.draw(5, seed=0).z)
    assert all(task.dim_z == 0 and task.draw(2, seed=0).z is None for task in suite("series"))


def test_a_gaussian_law_is_what_partial_correlations_say():
    rng = np.random.default_rng(0)
    root = rng.standard_normal((5, 9))
    law = Trivariate(covariance=root @ root.T, dims=(1, 2, 2))
    drawn = law(20_000, rng)
    found = mineral.PartialCopula().estimate(drawn.x, drawn.y, given=drawn.z)
    assert found.value == pytest.approx(law.information, abs=4 * found.stderr)


def test_a_task_that_draws_no_condition_is_held_to_its_word():
    task = Task(
        name="own",
        family="own",
        dim_x=1,
        dim_y=1,
        dim_z=2,
        information=0.0,
        known_by="me",
        source="me",
        sampler=lambda n, _rng: Draw(np.zeros((n, 1)), np.zeros((n, 1))),
    )
    with pytest.raises(OptionError, match="must give a condition of 2 columns, gave None"):
        task.draw(3, seed=0)

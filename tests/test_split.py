"""Which rows do what: none is reported on that was learned from, none is its own partner."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mineral.samples import folds, shifted


def split(n, count, validation=0.2, seed=0):
    return list(folds(n, count, validation=validation, rng=np.random.default_rng(seed)))


@given(st.integers(10, 200), st.integers(2, 5), st.floats(0.05, 0.5))
def test_every_row_has_one_part_in_each_fold_and_is_tested_in_exactly_one(n, count, validation):
    parts = split(n, count, validation)
    assert len(parts) == count
    for fold in parts:
        rows = np.concatenate([fold.training, fold.validation, fold.test])
        assert np.array_equal(np.sort(rows), np.arange(n))
    tested = np.concatenate([fold.test for fold in parts])
    assert np.array_equal(np.sort(tested), np.arange(n))


@given(st.integers(10, 200), st.integers(2, 5), st.floats(0.05, 0.5))
def test_parts_have_the_sizes_asked_for(n, count, validation):
    for fold in split(n, count, validation):
        assert abs(len(fold.test) - n / count) < 1
        rest = n - len(fold.test)
        assert len(fold.validation) == max(1, round(validation * rest))
        assert len(fold.training) > 0


def test_rows_are_drawn_at_random_and_by_the_given_generator():
    first, again, other = split(100, 2), split(100, 2), split(100, 2, seed=1)
    assert np.array_equal(first[0].test, again[0].test)
    assert not np.array_equal(np.sort(first[0].test), np.sort(other[0].test))
    # Neighbouring rows, as of a time series, are spread over all parts.
    for part in (first[0].training, first[0].validation, first[0].test):
        assert part.min() < 25 and part.max() >= 75


pairs = st.integers(2, 40).flatmap(lambda n: st.tuples(st.just(n), st.integers(1, n - 1)))


@given(pairs, st.integers(0, 2**32))
def test_no_row_partners_itself_and_all_serve_equally_often(pair, seed):
    n, m = pair
    partners = shifted(n, m, np.random.default_rng(seed))
    assert partners.shape == (n, m) and partners.dtype == np.int64
    assert (partners != np.arange(n)[:, None]).all()
    assert (np.bincount(partners.ravel(), minlength=n) == m).all()
    assert all(len(set(row)) == m for row in partners.tolist())


@pytest.mark.parametrize("n", [2, 3, 50])
def test_at_most_all_others_are_partners(n):
    partners = shifted(n, n - 1, np.random.default_rng(0))
    for i, row in enumerate(partners.tolist()):
        assert set(row) == set(range(n)) - {i}


def test_any_other_row_may_become_a_partner():
    # With a fixed shift of the rows as they come, row 0 would always meet row 1.
    met = {int(shifted(6, 1, np.random.default_rng(seed))[0, 0]) for seed in range(100)}
    assert met == {1, 2, 3, 4, 5}

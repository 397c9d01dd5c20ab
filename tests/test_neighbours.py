"""Neighbour counts are exact: equal to comparing every pair, at every edge, on every path."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mineral.methods.neighbours import geometry
from mineral.methods.neighbours import geometry as module
from mineral.methods.neighbours.geometry import count_within, neighbours


def apart(values):
    """Distance of every pair of rows, in the maximum norm."""
    return np.abs(values[:, None] - values[None]).max(axis=-1)


def counted(points, reach):
    return (apart(points) <= reach[:, None]).sum(axis=1) - 1


def by_definition(x, y, k, box=False):
    """n_x, n_y, inside, boxed and copied of each row, one row at a time."""
    rows = []
    for d_x, d_y in zip(apart(x), apart(y), strict=True):
        d = np.maximum(d_x, d_y)
        order = np.argsort(d)
        radius = d[order[k]]
        copied = radius == 0
        near = (lambda v: v == 0) if copied else (lambda v, r=radius: v < r)
        n_x, n_y, inside = near(d_x).sum() - 1, near(d_y).sum() - 1, near(d).sum()
        width_x, width_y = d_x[order[: k + 1]].max(), d_y[order[: k + 1]].max()
        alone = (d < radius).sum() == k and (d <= radius).sum() == k + 1
        boxed = box and alone and width_x > 0 and width_y > 0
        if boxed:
            n_x, n_y = (d_x <= width_x).sum() - 1, (d_y <= width_y).sum() - 1
        rows.append((n_x, n_y, inside, boxed, copied))
    return [np.array(column) for column in zip(*rows, strict=True)]


def found(x, y, k, box=False):
    counts = neighbours(x, y, k, box=box)
    return [counts.n_x, counts.n_y, counts.inside, counts.boxed, counts.copied]


def assert_equal(counts, expected):
    for name, ours, theirs in zip(
        ("n_x", "n_y", "inside", "boxed", "copied"), counts, expected, strict=True
    ):
        assert np.array_equal(ours, theirs), name


def continuous(rng, n, dx, dy):
    x = rng.standard_normal((n, dx))
    return x, rng.standard_normal((n, dy)) + x[:, :1]


def lattice(rng, n, dx, dy):
    x = rng.integers(0, 4, (n, dx)).astype(float)
    return x, np.round(x[:, :1] + rng.standard_normal((n, dy)))


def mixed(rng, n, dx, dy):
    x = rng.integers(0, 3, (n, dx)).astype(float)
    return x, x[:, :1] + rng.standard_normal((n, dy))


def copies(rng, n, dx, dy):
    x, y = continuous(rng, n, dx, dy)
    rows = np.r_[np.arange(n // 2), np.zeros(n // 4, dtype=int), np.arange(n // 4)]
    return x[rows], y[rows]


every_kind = pytest.mark.parametrize("kind", [continuous, lattice, mixed, copies])
every_size = pytest.mark.parametrize(("dx", "dy"), [(1, 1), (2, 1), (3, 3), (6, 7)])


@every_kind
@every_size
@pytest.mark.parametrize("box", [False, True])
def test_counts_equal_their_definition(kind, dx, dy, box):
    for k in (1, 3):
        x, y = kind(np.random.default_rng(0), 120, dx, dy)
        assert_equal(found(x, y, k, box), by_definition(x, y, k, box))


@every_kind
@every_size
@pytest.mark.parametrize("box", [False, True])
def test_trees_and_all_pairs_agree_bit_for_bit(kind, dx, dy, box, monkeypatch):
    x, y = kind(np.random.default_rng(1), 400, dx, dy)
    monkeypatch.setattr(module, "TREE_DIMS", 0)
    by_pairs = found(x, y, 3, box)
    monkeypatch.setattr(module, "TREE_DIMS", 100)
    assert_equal(found(x, y, 3, box), by_pairs)


@every_kind
@pytest.mark.parametrize("box", [False, True])
@pytest.mark.parametrize("tree_dims", [0, 100], ids=["pairs", "trees"])
def test_blocks_do_not_change_the_counts(kind, box, tree_dims, monkeypatch):
    x, y = kind(np.random.default_rng(2), 101, 2, 1)
    monkeypatch.setattr(module, "TREE_DIMS", tree_dims)
    whole = found(x, y, 3, box)
    monkeypatch.setattr(module, "BLOCK", 7)
    monkeypatch.setattr(module, "PAIRS", 7 * 101)
    assert_equal(found(x, y, 3, box), whole)


@every_kind
@pytest.mark.parametrize("tree_dims", [0, 100], ids=["pairs", "trees"])
def test_the_order_of_rows_does_not_matter(kind, tree_dims, monkeypatch):
    monkeypatch.setattr(module, "TREE_DIMS", tree_dims)
    x, y = kind(np.random.default_rng(3), 160, 1, 1)
    order = np.random.default_rng(4).permutation(160)
    for box in (False, True):
        assert_equal(
            found(x[order], y[order], 3, box), [column[order] for column in found(x, y, 3, box)]
        )


@pytest.mark.parametrize("scale", [2.0**-900, 2.0**40, 2.0**900])
def test_a_power_of_two_changes_no_count(scale):
    x, y = continuous(np.random.default_rng(5), 200, 1, 2)
    for box in (False, True):
        assert_equal(found(scale * x, scale * y, 3, box), found(x, y, 3, box))


def test_the_k_th_neighbour_itself_is_not_closer_than_itself():
    # Distances from row 0 are 1, 2, 3: strictly within the second lies the first only.
    x, y = np.array([[0.0], [1.0], [2.0], [3.0]]), np.zeros((4, 1))
    counts = neighbours(x, y, 2)
    assert (counts.n_x[0], counts.n_y[0], counts.inside[0]) == (1, 3, 2)


@every_kind
@pytest.mark.parametrize("dims", [1, 5], ids=["trees", "pairs"])
def test_the_share_of_repeated_values_is_counted(kind, dims):
    x, y = kind(np.random.default_rng(6), 100, dims, dims)
    columns = [*x.T, *y.T]
    expected = np.mean([[(column == v).sum() > 1 for v in column] for column in columns])
    assert neighbours(x, y, 3).repeated == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("dims", [1, 5], ids=["trees", "pairs"])
def test_progress_rises_to_one(dims, monkeypatch):
    monkeypatch.setattr(module, "BLOCK", 50)
    monkeypatch.setattr(module, "PAIRS", 50 * 200)
    seen = []
    x, y = continuous(np.random.default_rng(7), 200, dims, dims)
    neighbours(x, y, 3, progress=lambda share, text: seen.append((share, text)))
    shares = [share for share, _ in seen]
    assert len(shares) >= 4 and shares == sorted(shares) and shares[-1] == 1.0
    assert all(text for _, text in seen)


floats = st.floats(-1e150, 1e150)
points_1d = st.one_of(
    st.lists(floats, min_size=2, max_size=30),
    st.lists(st.integers(-3, 3).map(float), min_size=2, max_size=30),
    # Huge offsets: neighbours at the resolution of floats.
    st.tuples(
        st.sampled_from([1e16, -1e16, 2.0**53, 1e100, 1.0, 1e-300]),
        st.lists(st.integers(0, 6), min_size=2, max_size=30),
    ).map(lambda pair: [float(pair[0] + step * np.spacing(pair[0])) for step in pair[1]]),
)


@settings(max_examples=300)
@given(points_1d, st.data())
def test_sorting_counts_as_comparing_every_pair_does(points, data):
    points = np.array(points)
    distances = np.abs(points[:, None] - points[None])
    n = len(points)
    # Reaches at distances that occur, one float to either side of them, none, and beyond all.
    partner = data.draw(st.lists(st.integers(0, n - 1), min_size=n, max_size=n))
    side = data.draw(st.lists(st.integers(-2, 2), min_size=n, max_size=n))
    reach = distances[np.arange(n), partner]
    reach = np.where(np.array(side) == -1, np.nextafter(reach, 0), reach)
    reach = np.where(np.array(side) == 1, np.nextafter(reach, np.inf), reach)
    reach = np.where(np.array(side) == 2, 2 * distances.max(), reach)
    reach = np.where(np.array(side) == -2, 0.0, reach)
    assert np.array_equal(count_within(points[:, None], reach), counted(points[:, None], reach))


@pytest.mark.parametrize("offset", [0.0, 1e6, 1e16])
def test_sorting_is_exact_on_many_points_with_edges_at_other_points(offset):
    rng = np.random.default_rng(8)
    points = offset + np.round(rng.standard_normal((600, 1)) * 100) * max(1.0, np.spacing(offset))
    radius = np.sort(apart(points), axis=1)[:, 40]
    for reach in (radius, np.nextafter(radius, 0), np.nextafter(radius, np.inf)):
        assert np.array_equal(count_within(points, reach), counted(points, reach))


@pytest.mark.parametrize("dims", [2, 3])
@given(data=st.data())
def test_trees_count_as_comparing_every_pair_does(dims, data):
    rng = np.random.default_rng(data.draw(st.integers(0, 2**32)))
    step = data.draw(st.sampled_from([0.0, 0.5, 1.0]))
    points = rng.standard_normal((40, dims))
    points = np.round(points / step) * step if step else points
    distances = apart(points)
    reach = distances[np.arange(40), rng.integers(0, 40, 40)]
    reach = np.where(rng.random(40) < 0.5, reach, np.nextafter(reach, 0).clip(0))
    assert np.array_equal(count_within(points, reach), counted(points, reach))


@pytest.mark.parametrize("dims", [2, 3, 5])
@pytest.mark.parametrize("offset", [0.0, 1e6])
def test_trees_are_exact_on_many_points_with_edges_at_other_points(dims, offset):
    rng = np.random.default_rng(9)
    points = offset + np.round(rng.standard_normal((900, dims)) * 50) / 50
    radius = np.sort(apart(points), axis=1)[:, 30]
    for reach in (radius, np.nextafter(radius, 0), np.nextafter(radius, np.inf)):
        assert np.array_equal(count_within(points, reach), counted(points, reach))


@pytest.mark.parametrize("box", [False, True])
def test_rows_of_several_blocks_keep_their_places(monkeypatch, box):
    monkeypatch.setattr(geometry, "BLOCK", 17)
    rng = np.random.default_rng(10)
    x, y = rng.standard_normal((60, 2)), rng.standard_normal((60, 1))
    x[:8], y[:8] = x[8:16], y[8:16]  # copies
    assert_equal(found(x, y, 3, box=box), by_definition(x, y, 3, box=box))

"""Images, digits and series: what is hidden can be read off, and tells what the task says."""

import os
import sys

import numpy as np
import pytest
from scipy import stats

from mineral import mnist
from mineral.errors import InputError, MissingExtraError
from mineral.tasks import find, series, suite
from mineral.tasks.families import digits, images

needs_digits = pytest.mark.skipif(
    not os.environ.get("MINERAL_DATA"), reason="MINERAL_DATA names no folder with mnist/"
)


def gaussian_pmi(x, y, rho):
    """Of pairs of standard normal numbers, summed over columns."""
    joint = stats.norm.logpdf(y, rho * x, np.sqrt(1 - rho**2))
    return (joint - stats.norm.logpdf(y)).sum(axis=1)


# Images


def test_coverage_is_what_lies_between():
    rng = np.random.default_rng(0)
    ends = np.sort(rng.random((50, 2)), axis=1)
    found = images.coverage(ends[:, 0], ends[:, 1], 7)
    np.testing.assert_allclose(found.sum(axis=1) / 7, ends[:, 1] - ends[:, 0])
    fine = (np.arange(70_000) + 0.5) / 70_000
    counted = (fine > ends[:, :1]) & (fine < ends[:, 1:])
    np.testing.assert_allclose(found, counted.reshape(50, 7, -1).mean(axis=2), atol=1e-3)


def place(picture, side):
    """Where the middle of a plate is, from the ratio of its neighbours' shades."""
    grid = np.log(picture.reshape(-1, side, side))
    # log shade is −(c − u)² / 2w²: neighbours differ by (1 / side − u) / (side w²) at a corner.
    across = (grid[:, 0, 1] - grid[:, 0, 0]) * images.WIDTH**2 * side
    down = (grid[:, 1, 0] - grid[:, 0, 0]) * images.WIDTH**2 * side
    return np.stack([across, down], axis=1) + 1 / side


@pytest.mark.parametrize(("side", "nats"), [(16, 1), (32, 7)])
def test_the_place_of_a_plate_can_be_read_off_and_tells_what_the_task_says(side, nats):
    task = find(f"plates-{side}-{nats}")
    drawn = task.draw(500, seed=0)
    u, v = (place(each, side) for each in (drawn.x, drawn.y))
    assert stats.kstest(u.ravel(), "uniform").pvalue > 0.001
    assert stats.kstest(v.ravel(), "uniform").pvalue > 0.001
    rho = np.sqrt(1 - np.exp(-nats))  # −½ log(1 − ρ²) is half of it, twice
    expected = gaussian_pmi(stats.norm.ppf(u), stats.norm.ppf(v), rho)
    np.testing.assert_allclose(drawn.pmi, expected, atol=1e-6 * np.exp(nats))
    assert task.information == pytest.approx(nats)
    assert drawn.x.min() > 0 and 0.95 < drawn.x.max() <= 1


def edges(picture, side):
    """Start and end of a rectangle across and down, from the shades of its edges."""
    grid = picture.reshape(-1, side, side)
    found = []
    for profile in (grid.max(axis=1), grid.max(axis=2)):
        first = (profile > 0).argmax(axis=1)
        start = (first + 1 - profile[np.arange(len(grid)), first]) / side
        found += [start, start + profile.sum(axis=1) / side]
    return np.stack(found, axis=1)


@pytest.mark.parametrize(("side", "nats"), [(16, 7), (32, 3)])
def test_the_edges_of_a_rectangle_can_be_read_off_and_tell_what_the_task_says(side, nats):
    task, room = find(f"rectangles-{side}-{nats}"), 1 - images.WIDTH
    drawn = task.draw(500, seed=0)
    uniform = []
    for picture in (drawn.x, drawn.y):
        found = edges(picture, side)
        starts, ends = found[:, [0, 2]], found[:, [1, 3]]
        assert (ends - starts >= images.WIDTH - 1e-9).all()
        assert starts.min() >= 0 and ends.max() <= 1 + 1e-9
        # Undo: the distribution of starts, then that of ends given these.
        u = 1 - (1 - starts / room) ** 2
        v = (ends - starts - images.WIDTH) / (room - starts)
        uniform.append(np.stack([u[:, 0], v[:, 0], u[:, 1], v[:, 1]], axis=1))
    assert all(stats.kstest(each.ravel(), "uniform").pvalue > 0.001 for each in uniform)
    x, y = (stats.norm.ppf(each) for each in uniform)
    rho = np.sqrt(1 - np.exp(-nats / 2))
    np.testing.assert_allclose(drawn.pmi, gaussian_pmi(x, y, rho), atol=1e-5)
    assert task.information == pytest.approx(nats)


def test_intervals_are_uniform_among_those_long_enough():
    rng = np.random.default_rng(0)
    start, end = images.Rectangle(16).interval(*rng.random((2, 20_000)))
    pairs = np.sort(rng.random((200_000, 2)), axis=1)
    kept = pairs[pairs[:, 1] - pairs[:, 0] >= images.WIDTH]
    # Of two sorted uniform numbers, a pair is uniform on the triangle above the diagonal.
    assert stats.ks_2samp(start, kept[:, 0]).pvalue > 0.001
    assert stats.ks_2samp(end, kept[:, 1]).pvalue > 0.001
    assert stats.ks_2samp(end - start, kept[:, 1] - kept[:, 0]).pvalue > 0.001


# Digits


@pytest.fixture
def training():
    return mnist.load("train")


@needs_digits
def test_no_image_is_under_two_digits(training):
    pictures, labels = training
    seen = {}
    for picture, label in zip(pictures, labels, strict=True):
        assert seen.setdefault(picture.tobytes(), label) == label


@needs_digits
@pytest.mark.parametrize("mixed", [0.0, 0.25, 1.0])
def test_pairs_are_of_the_same_digit_except_for_the_mixed(training, mixed):
    pictures, labels = training
    label_of = {picture.tobytes(): label for picture, label in zip(pictures, labels, strict=True)}
    task = find(f"mnist-01-{mixed}")
    drawn = task.draw(1500, seed=0)
    bytes_x, bytes_y = (np.round(side * 255).astype(np.uint8) for side in (drawn.x, drawn.y))
    of_x, of_y = (
        np.array([label_of[row.tobytes()] for row in side]) for side in (bytes_x, bytes_y)
    )
    assert set(of_x) == set(of_y) == {0, 1}
    assert abs(of_x.mean() - 0.5) < 4 * 0.5 / np.sqrt(1500)
    p = mixed / 2  # half of those that are drawn anew come out the same
    assert abs((of_x != of_y).mean() - p) <= 4 * np.sqrt(p * (1 - p) / 1500)
    with np.errstate(divide="ignore"):
        told = np.where(of_x == of_y, np.log(2 * (1 - p)), np.log(2 * p))
    np.testing.assert_allclose(drawn.pmi, told, atol=1e-12)
    assert task.information == pytest.approx(np.log(2) - stats.entropy([p, 1 - p]), abs=1e-12)


@needs_digits
def test_x_and_y_never_show_the_same_image():
    drawn = find("mnist-01-0.0").draw(3000, seed=0)
    of_x, of_y = ({row.tobytes() for row in side} for side in (drawn.x, drawn.y))
    assert len(of_x) > 2000 and not of_x & of_y


@needs_digits
def test_ten_digits_tell_up_to_their_entropy():
    assert find("mnist-digits-0.0").information == pytest.approx(np.log(10))
    drawn = find("mnist-digits-0.7").draw(1000, seed=0)
    assert set(np.round(drawn.pmi, 9)) == {round(np.log(0.7), 9), round(np.log(0.7 + 0.3 * 10), 9)}


@pytest.mark.slow
@needs_digits
@pytest.mark.parametrize("bits", [2, 6, 10])
def test_canvases_show_the_bits_of_their_channel(bits):
    task, n = find(f"mnist-canvas-{bits}-bits"), 1400
    drawn = task.draw(n, seed=0)
    assert task.information == pytest.approx(bits * np.log(2), abs=1e-12)
    # The channel's draw comes first: the same generator gives the same bits again.
    rng = np.random.default_rng([0, *task.name.encode()])
    sent = task.sampler.channel(n, rng)
    np.testing.assert_array_equal(sent.pmi, drawn.pmi)
    flips, p = (sent.x != sent.y).mean(), task.sampler.channel.law.redrawn / 2
    assert abs(flips - p) <= 4 * np.sqrt(p * (1 - p) / (10 * n))
    # A linear classifier reads them from canvases that it has not seen.
    for picture, truth in ((drawn.x, sent.x), (drawn.y, sent.y)):
        kernel = picture.astype(float) @ picture.T / 4096
        learn, held = slice(n - 200), slice(n - 200, None)
        weights = np.linalg.solve(
            kernel[learn, learn] + 1e-3 * np.eye(n - 200), 2.0 * truth[learn] - 1
        )
        found = (kernel[held, learn] @ weights) > 0
        assert (found == truth[held]).mean() > 0.97


@needs_digits
def test_shrinking_keeps_a_flat_picture_and_the_order_of_digits():
    for pixels in (56, 140):
        matrix = digits.shrinking(pixels)
        assert matrix.shape == (64, pixels)
        np.testing.assert_allclose(matrix.sum(axis=1), 1, rtol=1e-6)
        middle = matrix @ np.arange(pixels)
        np.testing.assert_allclose(np.diff(middle), pixels / 64, rtol=0.35)


def test_a_canvas_has_its_ten_digits_in_two_rows_of_five(monkeypatch):
    def shown(bits, _rng, side):
        # Brighter from each digit to the next, and in each from top to bottom.
        tiles = np.zeros((*bits.shape, 28, 28), np.uint8)
        tiles += np.arange(10, dtype=np.uint8)[:, None, None] * np.uint8(20)
        tiles[..., 14:, :] += np.uint8(10 + side)
        return tiles

    monkeypatch.setattr(digits, "_shown", shown)
    drawn = find("mnist-canvas-10-bits").draw(1, seed=0)
    for side, picture in enumerate((drawn.x, drawn.y)):
        shades = np.round(picture.reshape(64, 64) * 255).astype(int)
        # Each tile is 32 high and 12.8 wide: look into the middle of the halves of each.
        columns = (np.arange(5) * 12.8 + 6).astype(int)
        for row in (0, 1):
            upper, lower = shades[32 * row + 8, columns], shades[32 * row + 24, columns]
            np.testing.assert_array_equal(upper, 20 * (5 * row + np.arange(5)))
            np.testing.assert_array_equal(lower - upper, 10 + side)


def test_without_the_digits_a_task_says_where_they_should_be(monkeypatch, tmp_path):
    monkeypatch.setenv("MINERAL_DATA", str(tmp_path))
    with pytest.raises(InputError, match="MINERAL_DATA"):
        find("mnist-01-0.5").draw(5, seed=0)
    monkeypatch.delenv("MINERAL_DATA")
    monkeypatch.setitem(sys.modules, "pooch", None)
    with pytest.raises(MissingExtraError, match="MINERAL_DATA"):
        find("mnist-canvas-2-bits").draw(5, seed=0)


# Series


@pytest.mark.parametrize(("of_x", "of_y", "noise"), [(0.9, 0.9, 0.8), (0.9, 0.5, -0.6)])
def test_series_have_the_memory_and_the_correlation_that_they_say(of_x, of_y, noise):
    law, n = series.Autoregressive(of_x, of_y, noise, dim=2), 60_000
    drawn = law(n, np.random.default_rng(0))
    shares = np.sqrt((1 - of_x**2) * (1 - of_y**2))
    # x_t y_t = Σ_jk φₓʲ φ_yᵏ e e', of which the noises of one time correlate: a geometric series.
    rho = noise * shares * sum((of_x * of_y) ** j for j in range(400))
    assert law.rho == pytest.approx(rho)
    assert law.information == pytest.approx(-np.log(1 - rho**2))
    error = 4 * np.sqrt(law.rows_worth_one / n)
    for i in range(2):
        x, y = drawn.x[:, i], drawn.y[:, i]
        assert np.mean(x * y) == pytest.approx(rho, abs=2 * error)
        assert np.var(x) == pytest.approx(1, abs=2 * error)
        assert np.var(y) == pytest.approx(1, abs=2 * error)
        for values, memory in ((x, of_x), (y, of_y)):
            for lag in (1, 5):
                kept = np.mean(values[lag:] * values[:-lag])
                assert kept == pytest.approx(memory**lag, abs=2 * error)
    assert np.mean(drawn.x[:, 0] * drawn.y[:, 1]) == pytest.approx(0, abs=2 * error)
    np.testing.assert_allclose(drawn.pmi, gaussian_pmi(drawn.x, drawn.y, rho), atol=1e-9)


def test_series_are_stationary_from_the_first_row():
    law = series.Autoregressive(0.9, 0.5, 0.9)
    firsts = [law(3, np.random.default_rng(seed)) for seed in range(3000)]
    for t in (0, 2):
        x, y = (np.array([getattr(each, side)[t, 0] for each in firsts]) for side in "xy")
        assert stats.kstest(x, "norm").pvalue > 0.001 and stats.kstest(y, "norm").pvalue > 0.001
        error = (1 - law.rho**2) / np.sqrt(3000)
        assert np.corrcoef(x, y)[0, 1] == pytest.approx(law.rho, abs=4 * error)


def test_the_mean_of_pmi_strays_no_more_than_memory_makes_it():
    task = find("series-0.9-0.9-0.8-1")
    means = [task.draw(2000, seed=seed).pmi.mean() for seed in range(200)]
    worth = task.parameters["rows_worth_one"]
    spread = task.draw(50_000, seed=999).pmi.std() * np.sqrt(worth / 2000)
    assert np.std(means) == pytest.approx(spread, rel=0.25)
    assert np.mean(means) == pytest.approx(task.information, abs=4 * spread / np.sqrt(200))


def test_null_series_fool_a_test_that_takes_rows_for_independent():
    nulls = [task for task in suite("series") if task.family == "null-series"]
    assert all(task.information == 0 for task in nulls)
    task, n = find("null-series-0.9-1"), 500
    found = []
    for seed in range(100):
        drawn = task.draw(n, seed=seed)
        assert not drawn.pmi.any()
        found.append(stats.pearsonr(drawn.x[:, 0], drawn.y[:, 0]).pvalue < 0.05)
    # Correlations are √((1 + 0.81) / (1 − 0.81)) = 3.1 times as large: beyond ±1.96 / 3.1 half the
    # time, where 5 in 100 are announced.
    assert 0.35 < np.mean(found) < 0.7

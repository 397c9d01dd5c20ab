"""The pictures of an estimate: what they show, on which scale, and what they leave alone."""

import sys
from dataclasses import replace

import numpy as np
import pytest

import mineral
from mineral import figures
from mineral.errors import MissingExtraError
from mineral.results import Curve, Estimate, Evidence

matplotlib = pytest.importorskip("matplotlib")

CURVE = Curve(steps=(0, 50, 100), training=(0.0, 0.6, 0.9), validation=(0.0, 0.5, 0.4), best=1)


def evidence(x, y, pointwise=None, curves=(), x_names=None, y_names=None):
    x, y = (np.asarray(v, dtype=float).reshape(len(v), -1) for v in (x, y))
    return Evidence(
        x=x,
        y=y,
        pointwise=pointwise,
        x_names=x_names or tuple(f"x{i}" for i in range(x.shape[1])),
        y_names=y_names or tuple(f"y{i}" for i in range(y.shape[1])),
        curves=curves,
    )


def estimate(seen, **changes):
    whole = {
        "value": 0.5,
        "interval": (0.4, 0.6),
        "confidence": 0.95,
        "stderr": 0.05,
        "unit": "nats",
        "kind": "neither",
        "estimator": "ksg",
        "options": {"k": 3, "variant": 1, "standardize": None},
        "n": len(seen.x),
        "dim_x": seen.x.shape[1],
        "dim_y": seen.y.shape[1],
        "warnings": (),
        "path": (),
        "seed": 0,
        "seconds": 1.0,
        "versions": {"mineral": "0.1.0"},
        "model": None,
        "evidence": seen,
    }
    return Estimate(**(whole | changes))


def dots(axes):
    return axes.collections[0].get_offsets()


@pytest.fixture
def rng():
    return np.random.default_rng(0)


@pytest.fixture
def plain(rng):
    x = rng.standard_normal(200)
    return estimate(
        evidence(x, x + rng.standard_normal(200), x, x_names=("height",), y_names=("weight",))
    )


def drawn(figure):
    """The figure after it was drawn once, so that texts and limits are final."""
    figure.canvas.draw()
    return figure


def test_plot_draws_the_number_the_samples_and_the_training(plain):
    trained = replace(plain, evidence=replace(plain.evidence, curves=(CURVE, CURVE)))
    labels = [
        (axes.get_xlabel(), axes.get_ylabel())
        for axes in trained.plot().findobj(matplotlib.axes.Axes)
    ]
    assert ("mutual information in nats", "") in labels
    assert ("height", "weight") in labels
    assert ("gradient steps", "bound in nats") in labels
    assert ("", "pointwise information in nats") in labels
    assert len(plain.plot().findobj(matplotlib.axes.Axes)) == len(labels) - 1


def test_a_notebook_is_given_a_picture(plain):
    assert figures.interval(plain)._repr_png_().startswith(b"\x89PNG")


def test_the_scale_shows_zero_the_value_and_the_interval_in_its_unit(plain):
    (axes,) = figures.interval(plain.to("bits")).axes
    low, high = axes.get_xlim()
    bits = plain.to("bits")
    assert low < 0 < bits.interval[0] < bits.interval[1] < high
    assert axes.get_xlabel() == "mutual information in bits"
    assert any(line.get_xdata()[0] == bits.value for line in axes.lines)
    assert "0.721" in [text.get_text() for text in axes.texts]


def test_noise_around_zero_looks_small(plain):
    (axes,) = figures.interval(
        replace(plain, value=-0.001, stderr=0.001, interval=(-0.003, 0.001))
    ).axes
    assert axes.get_xlim()[1] > 0.1


@pytest.mark.parametrize(
    ("value", "stderr", "words"),
    [
        (0.97361, 0.0402, "0.974"),
        (-0.00042, 0.00088, "−0.00042"),
        (1234.5, 120.0, "1,234"),
        (0.5, 0.0, "0.5"),
        (np.inf, np.nan, "inf"),
    ],
)
def test_numbers_are_as_exact_as_they_are_known(value, stderr, words):
    assert figures.rounded(value, stderr) == words


def test_colours_are_centered_at_zero_and_not_stretched_by_an_outlier(rng):
    values = np.append(rng.standard_normal(500), -1000)
    seen = evidence(values, values, values)
    (axes,) = figures.pair(estimate(seen), 0, 0).axes
    norm = axes.collections[0].norm
    assert norm.vmin == -norm.vmax
    assert 1 < norm.vmax < 4


@pytest.mark.parametrize("bad", [np.nan, -np.inf])
def test_pointwise_values_that_are_not_finite_are_grey(rng, bad):
    values = rng.standard_normal(100)
    values[0] = bad
    (axes,) = figures.pair(estimate(evidence(values[1:], values[1:], values[1:])), 0, 0).axes
    (other,) = figures.pair(estimate(evidence(np.arange(100), np.arange(100), values)), 0, 0).axes
    assert np.isfinite(other.collections[0].get_array()).all()
    assert axes.collections[0].norm.vmax == pytest.approx(other.collections[0].norm.vmax, rel=0.05)


def test_without_pointwise_values_the_samples_are_still_drawn(plain):
    colourless = replace(plain, evidence=replace(plain.evidence, pointwise=None))
    assert figures.colours(colourless) is None
    (axes,) = drawn(figures.samples(colourless)).axes
    assert len(dots(axes)) == 200


def test_every_sample_is_drawn_where_it_is(plain):
    (axes,) = figures.pair(plain, 0, 0).axes
    there = np.column_stack([plain.evidence.x, plain.evidence.y])
    assert np.allclose(np.sort(dots(axes), axis=0), np.sort(there, axis=0))


def test_heavy_tails_leave_the_middle_readable_and_are_owned_up_to(rng):
    x, y = rng.standard_cauchy((2, 2000))
    (axes,) = figures.pair(estimate(evidence(x, y, x)), 0, 0).axes
    assert np.ptp(axes.get_xlim()) < 40 < np.ptp(x)
    assert "lie beyond, drawn on the edge" in axes.get_title(loc="right")
    assert len(dots(axes)) == 2000


def test_light_tails_are_shown_whole(rng):
    x, y = rng.standard_normal((2, 2000))
    (axes,) = figures.pair(estimate(evidence(x, y, x)), 0, 0).axes
    low, high = axes.get_xlim()
    assert low < x.min() and x.max() < high
    assert axes.get_title(loc="right") == ""


def test_discrete_values_are_shaken_apart_the_same_way_each_time(rng):
    x, y = rng.integers(0, 3, (2, 300))
    seen = estimate(evidence(x, y, np.zeros(300)))
    (axes,), (again,) = figures.pair(seen, 0, 0).axes, figures.pair(seen, 0, 0).axes
    places = np.asarray(dots(axes))
    assert len(np.unique(places, axis=0)) > 250
    assert np.array_equal(np.round(places), np.column_stack([x, y]))  # nearest to where it belongs
    assert np.array_equal(places, dots(again))
    assert abs(np.corrcoef((places - np.round(places)).T)[0, 1]) < 0.2
    assert list(axes.get_xticks()) == [0, 1, 2]


def test_up_to_three_coordinates_are_all_shown(rng):
    assert figures.views(evidence(rng.random((50, 3)), rng.random((50, 2)))) == ([0, 1, 2], [0, 1])


def test_of_many_coordinates_those_that_depend_most_are_shown(rng):
    x, y = rng.standard_normal((300, 50)), rng.standard_normal((300, 9))
    x[:, 7] = 1.0  # constant: no rank correlation, and no warning
    y[:, 4], y[:, 8], y[:, 1] = x[:, 31], -x[:, 12], np.exp(x[:, 40])
    assert figures.views(evidence(x, y)) == ([12, 31, 40], [1, 4, 8])
    assert len(drawn(figures.samples(estimate(evidence(x, y, x[:, 0])))).axes) == 9 + 1


def test_images_are_looked_through_in_bounded_time_and_memory(rng):
    shown = figures.views(evidence(rng.random((30, 20_000)), rng.random((30, 20_000))))
    assert [len(part) for part in shown] == [3, 3]


def test_training_curves_mark_the_check_that_was_kept(plain):
    trained = replace(plain, evidence=replace(plain.evidence, curves=(CURVE, CURVE)))
    (axes,) = figures.curves(trained).axes
    assert len(axes.lines) == 2 * 3 + 1  # a pair and a mark for each fold, and zero
    assert [50.0, 0.5] in [[*line.get_xdata(), *line.get_ydata()] for line in axes.lines]
    assert [text.get_text() for text in axes.get_legend().get_texts()] == [
        "training",
        "held out",
        "kept",
    ]
    assert figures.curves(plain) is None


@pytest.mark.parametrize("wild", [1e6, -1e30, np.inf, np.nan])
def test_a_bound_that_explodes_does_not_hide_the_others(plain, wild):
    run = replace(CURVE, training=(0.0, 0.6, wild), validation=(0.0, 0.5, wild))
    trained = replace(plain, evidence=replace(plain.evidence, curves=(run,)))
    (axes,) = drawn(figures.curves(trained)).axes
    low, high = axes.get_ylim()
    assert low < 0 and 0.5 < high < 10 and high - low < 12


@pytest.mark.parametrize("size", [1e308, 1e300, 1e-300, 1.0])
def test_any_finite_size_can_be_drawn(rng, size):
    x = rng.random(50) * size
    drawn(figures.samples(estimate(evidence(x, x - size / 2, rng.random(50)))))


@pytest.mark.parametrize("name", ["price $a$ $b", "two\nlines", "\x00", "", r"\frac{", "n" * 99])
def test_a_name_is_a_name_whatever_it_holds(rng, name):
    seen = evidence(rng.random(9), rng.random(9), x_names=(name,), y_names=(name,))
    if name == "\x00":
        assert figures.pair(estimate(seen), 0, 0).axes[0].get_xlabel() == " "
    drawn(figures.samples(estimate(seen)))


@pytest.mark.parametrize(
    "changes",
    [
        {"value": np.inf, "interval": (-np.inf, np.inf), "stderr": np.inf},
        {"value": np.nan, "interval": (np.nan, np.nan), "stderr": np.nan},
        {"value": 20.0, "interval": (20.0, 20.0), "stderr": 0.0},
        {"value": -0.5, "interval": (-0.6, -0.4)},
    ],
)
def test_any_number_can_be_drawn(plain, changes):
    drawn(figures.interval(replace(plain, **changes)))


def test_matplotlib_is_left_as_it_was(plain, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib.pyplot", None)  # importing it would fail
    before = dict(matplotlib.rcParams.copy())
    drawn(plain.plot())
    assert dict(matplotlib.rcParams.copy()) == before


def test_without_matplotlib_plotting_says_what_to_install(plain, monkeypatch):
    for name in ("matplotlib", "matplotlib.figure"):
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(MissingExtraError, match=r"pip install 'mineral\[report\]'"):
        plain.plot()


def test_plot_draws_into_axes_of_the_caller(plain):
    figure = matplotlib.figure.Figure()
    before = dict(matplotlib.rcParams.copy())
    axes = figure.subfigures(1, 2)[0].subplots()
    assert plain.plot(ax=axes) is figure
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("height", "weight")
    assert axes.get_title() == "I(height; weight) = 0.500 nats,  95% interval 0.400 to 0.600"
    assert dict(matplotlib.rcParams.copy()) == before


def test_pyplot_shows_a_plot_where_the_program_uses_pyplot(plain, monkeypatch):
    monkeypatch.delitem(sys.modules, "matplotlib.pyplot", raising=False)
    plain.plot()
    assert "matplotlib.pyplot" not in sys.modules
    import matplotlib.pyplot as plt

    before = set(plt.get_fignums())
    figure = plain.plot()
    assert {*plt.get_fignums()} - before == {figure.number}
    plt.close(figure)
    figures.interval(plain)  # the drawings of reports are not pyplot's
    assert set(plt.get_fignums()) == before


def test_categories_have_their_names_on_the_axes(rng):
    species = rng.choice(["Adelie", "Gentoo", "Chinstrap $x$"], 120, p=[0.5, 0.3, 0.2])
    x = rng.standard_normal(120) + (species == "Gentoo")
    found = mineral.estimate({"mass": x}, {"species": species}, budget="fast")
    assert found.symbol == "I(mass; species)"
    (axes,) = drawn(figures.pair(found, 0, 0)).axes
    assert [t.get_text() for t in axes.get_yticklabels()] == ["Adelie", "Gentoo", "Chinstrap $x$"]


def test_pointwise_values_and_curves_are_in_the_unit_of_the_value(plain):
    trained = replace(plain, evidence=replace(plain.evidence, curves=(CURVE,))).to("bits")
    assert figures.curves(trained).axes[0].get_ylabel() == "bound in bits"
    line = figures.curves(trained).axes[0].lines[1]
    assert line.get_ydata() == pytest.approx(np.array(CURVE.validation) / np.log(2))
    assert figures.colours(trained).axes[0].get_xlabel() == "pointwise information in bits"


@pytest.mark.parametrize("given", [None, {"species of the bird": np.arange(100) % 3}])
def test_a_headline_with_long_names_stays_inside_the_figure(given):
    rng = np.random.default_rng(0)
    x, y = ({f"bill {of} in millimetres": rng.standard_normal(100)} for of in ("length", "depth"))
    figure = mineral.estimate(x, y, given=given, estimator="auto").plot()
    figure.canvas.draw()
    titles = [f._suptitle for f in (figure, *figure.subfigs) if f._suptitle is not None]
    drawn = [title.get_window_extent() for title in titles]
    assert len(drawn) == 1 and drawn[0].x0 >= 0 and drawn[0].x1 <= figure.bbox.width

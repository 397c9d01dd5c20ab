"""Encoders: one contract for all, files without trust; problems, checked before any training."""

import json
import os

import numpy as np
import pytest
import torch
from safetensors.torch import save
from torch import nn

import mineral
from mineral import mnist
from mineral.errors import InputError, InputTypeError, OptionError
from mineral.shaping import (
    AdditiveNoise,
    Linear,
    ModuleEncoder,
    Network,
    Problem,
    Raw,
    data,
    load_encoder,
    noise_like,
    pca,
    random_network,
    random_projection,
    save_encoder,
)
from mineral.shaping.problem import best_guess, check_training, entropy, floor, label, table
from mineral.system.chance import seeded

X = np.random.default_rng(0).standard_normal((60, 5)) * [1, 2, 3, 4, 5] + 1
NAMES = ("a", "b", "c", "d", "e")


def network(**options):
    with seeded(0):
        return Network((5, 7, 2), **options)


class Pairs(nn.Module):
    """A user's own: mean and scale."""

    def __init__(self):
        super().__init__()
        with seeded(1):
            self.layer = nn.Linear(5, 3)

    def forward(self, x):
        code = self.layer(x)
        return code, 0.1 + code.square()


def encoders():
    scaled = {"center": X.mean(axis=0), "scale": X.std(axis=0)}
    return {
        "raw": Raw(columns=NAMES),
        "noise": AdditiveNoise(0.5),
        "noise of each column": noise_like(X),
        "projection": random_projection(5, 3, seed=1),
        "pca": pca(X, 2),
        "random network": random_network((5, 4, 3), seed=2),
        "trained": ModuleEncoder(network(bounded=True, noise=0.1), **scaled, columns=NAMES),
        "scales": ModuleEncoder(network(noise=0.1, gives_scale=True), **scaled),
        "user's": ModuleEncoder(Pairs(), gives_scale=True),
    }


@pytest.fixture(params=encoders())
def encoder(request):
    return encoders()[request.param]


def test_a_code_is_a_finite_row_of_float32(encoder):
    z = encoder.encode(X, seed=3)
    assert z.dtype == np.float32 and z.shape[0] == len(X) and np.isfinite(z).all()
    assert np.array_equal(z, encoder.encode(torch.from_numpy(X), seed=3))


def test_a_row_is_encoded_alike_in_any_company(encoder):
    z = encoder.encode(X, seed=3)
    np.testing.assert_allclose(encoder.encode(X[:1], seed=3), z[:1], rtol=1e-5, atol=1e-6)
    changed = X.copy()
    changed[1:] *= 100
    np.testing.assert_allclose(encoder.encode(changed, seed=3)[0], z[0], rtol=1e-5, atol=1e-6)


def test_only_a_stochastic_code_depends_on_the_seed(encoder):
    same = np.array_equal(encoder.encode(X, seed=1), encoder.encode(X, seed=2))
    assert same != encoder.stochastic


def test_a_file_gives_back_the_encoder(encoder, tmp_path):
    save_encoder(encoder, tmp_path / "e.safetensors")
    loaded = load_encoder(tmp_path / "e.safetensors", module=Pairs())
    assert np.array_equal(loaded.encode(X, seed=5), encoder.encode(X, seed=5))
    assert (loaded.name, loaded.columns) == (encoder.name, encoder.columns)
    assert loaded.stochastic == encoder.stochastic


def test_an_encoder_leaves_what_it_got_as_it_was(encoder):
    before = X.copy()
    encoder.encode(X)
    assert np.array_equal(before, X)


@pytest.mark.parametrize(
    ("rows", "error", "says"),
    [
        (X[:, :4], InputError, "5 features"),
        (np.where(X > 3, np.nan, X), InputError, "missing or infinite, the first at row"),
        (np.full((3, 5), "a"), InputTypeError, "not numbers"),
    ],
)
def test_rows_that_cannot_be_encoded_are_refused(rows, error, says):
    with pytest.raises(error, match=says):
        pca(X, 2).encode(rows)


def test_a_code_that_is_not_finite_is_refused():
    broken = network()
    with torch.no_grad():
        broken.net[0].weight.fill_(torch.nan)
    with pytest.raises(InputError, match="not finite, the first at row 0"):
        ModuleEncoder(broken).encode(X)
    with pytest.raises(InputError, match="not finite"):
        Raw().encode(np.full((3, 1), 1e300))  # beyond float32


def test_a_seed_below_zero_is_refused():
    with pytest.raises(OptionError, match="`seed`"):
        Raw().encode(X, seed=-1)


def test_noise_is_of_its_scale_and_of_each_row_by_itself():
    z = AdditiveNoise(0.5).encode(np.zeros((4000, 2)))
    # The standard error of a standard deviation is σ / √(2n).
    assert abs(z.std() - 0.5) < 4 * 0.5 / np.sqrt(2 * 8000)
    assert abs(np.corrcoef(z.T)[0, 1]) < 4 / np.sqrt(4000)


def test_noise_like_columns_is_as_large_as_each_of_them_and_of_any_size_where_one_is_constant():
    units = np.array([1e-3, 1.0, 1e6, 0.0])
    x = np.random.default_rng(4).standard_normal((4000, 4)) * units + 50
    made = noise_like(x)
    noise = made.encode(np.zeros((4000, 4)))
    expected = np.where(units > 0, x.std(axis=0), 1.0)
    # The standard error of a standard deviation is σ / √(2n).
    assert np.abs(noise.std(axis=0) / expected - 1).max() < 4 / np.sqrt(8000)
    assert np.array_equal(made.moments(x)[1][0], expected)
    with pytest.raises(InputError, match="4 features"):
        made.encode(x[:, :3])
    with pytest.raises(OptionError, match="`scale` must be above 0"):
        AdditiveNoise((1.0, 0.0))


def test_components_are_those_of_the_covariance():
    found = pca(X, 2)
    assert np.allclose(found.weight.T @ found.weight, np.eye(2))
    variances = found.encode(X).var(axis=0)
    assert np.allclose(variances, np.linalg.eigvalsh(np.cov(X.T, bias=True))[::-1][:2], rtol=1e-4)
    with pytest.raises(OptionError, match="from 1 to the 5"):
        pca(X, 6)


def test_bounded_codes_stay_within_one_and_learned_noise_within_its_limits():
    mean, scale = ModuleEncoder(network(bounded=True, noise=0.1, gives_scale=True)).moments(50 * X)
    assert np.abs(mean).max() <= 1 and scale.min() >= 0.1 * (1 - 1e-6) and scale.max() <= 1.0
    assert scale.std() > 0


def test_a_users_module_is_copied():
    module = Pairs()
    kept = ModuleEncoder(module, gives_scale=True)
    before = kept.encode(X)
    with torch.no_grad():
        module.layer.weight.zero_()
    assert np.array_equal(kept.encode(X), before) and module.training


def test_batch_normalization_is_used_as_in_evaluation():
    with seeded(0):
        kept = ModuleEncoder(nn.Sequential(nn.BatchNorm1d(5), nn.Linear(5, 2)))
    np.testing.assert_allclose(kept.encode(X)[:3], kept.encode(X[:3]), rtol=1e-5)


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda: AdditiveNoise(0.0), "`scale`"),
        (lambda: Network((5,)), "`widths`"),
        (lambda: Network((5, 2), activation="sine"), "`activation`"),
        (lambda: Network((5, 2), noise=-1.0), "`noise`"),
        (lambda: Network((5, 2), gives_scale=True), "`noise` must lie between"),
        (lambda: ModuleEncoder(network(), scale=np.zeros(5)), "`scale`"),
        (lambda: random_projection(5, 0), "`dim_x` and `dim`"),
    ],
)
def test_options_out_of_range_are_refused(make, says):
    with pytest.raises(OptionError, match=says):
        make()


def written(path, **changes):
    """A file like that of a network, with other settings."""
    settings = {
        "format": 1,
        "kind": "network",
        "name": "x",
        "columns": [],
        "noise": 0.0,
        "gives_scale": False,
        "module": network().options(),
    } | changes
    tensors = {f"module.{name}": v for name, v in network().state_dict().items()}
    path.write_bytes(save(tensors, metadata={"mineral": json.dumps(settings)}))
    return path


@pytest.mark.parametrize(
    "changes",
    [
        {"kind": "pickle"},
        {"format": 7},
        {"name": 3},
        {"columns": [1]},
        {"module": {"widths": [5, 10**12, 2], "activation": "silu", "bounded": 0, "noise": 0}},
        {"module": {"widths": [5, 9, 2], "activation": "silu", "bounded": 0, "noise": 0}},
        {"noise": -1},
    ],
)
def test_a_damaged_file_is_refused_in_one_line(tmp_path, changes):
    assert load_encoder(written(tmp_path / "fine")).encode(X).shape == (60, 2)
    with pytest.raises(mineral.MineralError) as refusal:
        load_encoder(written(tmp_path / "bad", **changes))
    assert "\n" not in str(refusal.value)


def test_other_files_are_refused(tmp_path):
    with pytest.raises(InputError, match="no file"):
        load_encoder(tmp_path / "none")
    (tmp_path / "text").write_text("hello")
    with pytest.raises(InputError, match="safetensors"):
        load_encoder(tmp_path / "text")
    save_encoder(ModuleEncoder(Pairs(), gives_scale=True), tmp_path / "own")
    with pytest.raises(OptionError, match="made from a custom module"):
        load_encoder(tmp_path / "own")
    with pytest.raises(OptionError, match="other weights"):
        load_encoder(tmp_path / "own", module=nn.Linear(5, 3))


# Problems.

LABEL = np.arange(60) % 2


def problem(**changes):
    return Problem(**({"name": "p", "x": X, "keep": LABEL} | changes))


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"x": np.where(X > 5, np.nan, X)}, "`x` has a value that is missing"),
        ({"x": X[:9], "keep": LABEL[:9]}, "at least 10 rows"),
        ({"keep": np.zeros(60, int)}, "`keep` has one class only"),
        ({"keep": LABEL[:50]}, "`keep` must be a class"),
        ({"keep": LABEL.astype(float)}, "`keep` must be a class"),
        ({"hide": np.ones(60, int)}, "`hide` has one class only"),
        ({"hide": LABEL[:50]}, "`hide` must have the 60 rows"),
        ({"hide": np.full((60, 1), np.nan)}, "`hide` has a value"),
        ({"hide": np.ones((60, 2))}, "`hide` is constant"),
        ({"shape": (2, 3)}, "must hold the 5 numbers"),
        ({"columns": ("a",)}, "must name the 5"),
    ],
)
def test_what_cannot_be_shaped_is_refused_before_training(changes, says):
    with pytest.raises(InputError, match=says):
        problem(**changes)


def test_parts_have_no_row_in_common_and_every_row_is_in_one():
    x = np.arange(100.0)[:, None]
    parts = problem(x=x, keep=np.arange(100) % 2).split(seed=1, shares=(0.5, 0.25, 0.25))
    assert [len(part) for part in parts] == [50, 25, 25]
    assert np.array_equal(np.sort(np.concatenate([part.x[:, 0] for part in parts])), x[:, 0])
    again = problem(x=x, keep=np.arange(100) % 2).split(seed=1, shares=(0.5, 0.25, 0.25))
    other = problem(x=x, keep=np.arange(100) % 2).split(seed=2, shares=(0.5, 0.25, 0.25))
    assert np.array_equal(parts[0].x, again[0].x) and not np.array_equal(parts[0].x, other[0].x)


def test_rows_set_aside_for_testing_are_the_test_part():
    test = np.arange(60) >= 40
    *_, held = problem(test=test).split(shares=(0.5, 0.5 - 1e-3, 1e-3))
    assert np.array_equal(held.x, X[test])


@pytest.mark.parametrize("shares", [(0.5, 0.6, 0.2), (1.0, 0.0, 0.0)])
def test_shares_must_be_parts_of_one(shares):
    with pytest.raises(OptionError, match="`shares`"):
        problem().split(shares=shares)


def test_a_part_with_one_class_is_refused():
    with pytest.raises(InputError, match="one class only"):
        problem(keep=(np.arange(60) == 0).astype(int)).split()


@pytest.mark.parametrize("which", ["keep", "hide"])
@pytest.mark.parametrize("rows", [0, 1])
def test_a_class_too_rare_to_train_on_is_refused(which, rows):
    whole = problem(**{which: np.where(np.arange(60) < rows + 1, 2, np.arange(60) % 2)})
    training = whole.rows(np.arange(1, 50))  # of class 2 it has `rows`
    with pytest.raises(
        InputError, match=f"`{which}` has a class with {rows} of the 49 training rows"
    ):
        check_training(whole, training)
    check_training(whole, whole.rows(np.concatenate([[0, 0, 1, 1], np.arange(5, 50)])))


def test_too_few_rows_for_the_classes_are_refused():
    many = problem(keep=np.arange(60) % 7)
    with pytest.raises(InputError, match="`keep` has 7 classes, for which 60 training rows"):
        check_training(many, many)


def test_floor_and_best_guess_are_those_of_the_table():
    keep, hide = (
        np.repeat([0, 0, 1, 1], [30, 10, 20, 40]),
        np.repeat([0, 1, 0, 1], [30, 10, 20, 40]),
    )
    found = problem(x=np.arange(100.0)[:, None], keep=keep, hide=hide)
    joint = np.array([[0.3, 0.1], [0.2, 0.4]])
    product = joint.sum(1, keepdims=True) * joint.sum(0)
    assert floor(found) == pytest.approx((joint * np.log(joint / product)).sum())
    assert best_guess(found) == pytest.approx(0.7)
    assert floor(problem()) == pytest.approx(np.log(2)) == entropy(LABEL)
    with pytest.raises(InputError, match="must be a label"):
        best_guess(problem())


def test_labels_may_be_numbers_booleans_or_texts():
    assert label("l", [3.0, 7.0, 3.0]).tolist() == [0, 1, 0]
    assert label("l", np.array([True, False])).tolist() == [1, 0]
    assert label("l", np.array(["b", "a", "b"], dtype=object)).tolist() == [1, 0, 1]
    for values, says in [
        ([1.0, np.nan], "missing"),
        ([1, 1], "one class only"),
        (np.arange(500), "500 distinct values"),
        (np.ones((3, 2)), "one label a row"),
    ]:
        with pytest.raises(InputError, match=says):
            label("l", values)


def test_a_table_knows_labels_numbers_and_features():
    values = {"a": X[:, 0], "b": X[:, 1], "sex": LABEL, "age": X[:, 2], "ill": LABEL}
    found = table(values, keep="ill", hide="sex")
    assert found.columns == ("a", "b", "age") and found.hide.tolist() == LABEL.tolist()
    assert table(values, keep="ill", hide="age").hide.shape == (60, 1)
    assert table(values, keep="ill", hide=["age", "a"]).hide.shape == (60, 2)
    everything = table(values, keep="ill", features=["b", "a"])
    assert everything.hide is None and everything.columns == ("b", "a")
    for options, says in [
        ({"keep": "nope"}, "no column 'nope'"),
        ({"keep": "ill", "hide": ["sex", "ill"]}, "is also hidden"),
        ({"keep": "ill", "features": ["ill", "a"]}, "among the features"),
        ({"keep": "ill", "hide": ["a", "b", "sex", "age"]}, "No column remains"),
    ]:
        with pytest.raises(InputError, match=says):
            table(values, **options)


def test_gaussian_classes_differ_in_correlations_alone():
    found = data.gaussian_classes(4000, seed=0)
    for value, rho in ((0, -0.99), (1, 0.99)):
        x = found.x[found.keep == value]
        assert np.corrcoef(x[:, 0], x[:, 10])[0, 1] == pytest.approx(rho, abs=0.005)
        assert np.abs(x.std(axis=0) - 1).max() < 5 / np.sqrt(2 * len(x))
        assert abs(np.corrcoef(x[:, 0], x[:, 11])[0, 1]) < 4 / np.sqrt(len(x))


def test_the_synthetic_labels_halve_four_classes():
    found = data.synthetic(400)
    assert found.x.shape == (400, 10)
    assert np.bincount(2 * found.keep + found.hide).min() > 80


def test_slant_and_thickness_measure_what_they_say():
    rows, columns = np.mgrid[:28, :28]
    stroke = [np.abs(columns - 14 + lean * (rows - 14)) < width for lean, width in STROKES]
    images = np.array(stroke, float)
    leaning = data.slant(images)
    assert leaning == pytest.approx([lean for lean, _ in STROKES], abs=0.1)
    thick = data.thickness(images)
    assert thick[1] > thick[0]


STROKES = [(0.0, 1.5), (0.0, 4.5), (0.4, 2.0), (-0.4, 2.0)]


def test_digits_are_labelled_by_parity_and_size(monkeypatch, tmp_path):
    rng = np.random.default_rng(0)

    def load(part, folder):
        count = {"train": 200, "test": 100}[part]
        return rng.integers(1, 255, (count, 28, 28)).astype(np.uint8), np.arange(count) % 10

    monkeypatch.setattr(mnist, "load", load)
    found = data.mnist_parity(n=150, n_test=80, folder=tmp_path)
    assert found.x.shape == (230, 784) and 0 <= found.x.min() < found.x.max() <= 1
    assert found.test.sum() == 80 and found.shape == (28, 28)
    digits = np.where(found.hide == 1, 5, 0)
    assert set(zip(found.keep, digits, strict=True)) == {(0, 0), (1, 0), (0, 5), (1, 5)}
    style = data.mnist_style("thickness", n=200, n_test=50, folder=tmp_path)
    assert style.classes == 10
    for digit in range(10):  # half of each kind, by its own median
        assert style.hide[(style.keep == digit) & ~style.test].mean() == pytest.approx(
            0.5, abs=0.05
        )
    with pytest.raises(OptionError, match="1 to 60000"):
        data.mnist_parity(n=0, folder=tmp_path)
    with pytest.raises(OptionError, match="`style`"):
        data.mnist_style("colour", folder=tmp_path)


def folder_of_images(folder, sizes, labels="file,ill,sex\n"):
    from PIL import Image

    for i, size in enumerate(sizes):
        pixels = np.full((*size, 3), i % 256, np.uint8)
        Image.fromarray(pixels).save(folder / f"{i}.png")
        labels += f"{i}.png,{'yes' if i % 2 else 'no'},{i % 3}\n"
    (folder / "labels.csv").write_text(labels)
    return folder


def test_a_folder_of_images_is_a_problem(tmp_path):
    pytest.importorskip("PIL")
    folder = folder_of_images(tmp_path, [(4, 6)] * 24)
    found = data.image_folder(folder, keep="ill", hide="sex")
    assert found.x.shape == (24, 24) and found.shape == (4, 6)
    assert found.x[3] == pytest.approx(np.full(24, 3 / 255))
    assert found.keep.tolist() == [i % 2 for i in range(24)] and found.hide.max() == 2
    assert data.image_folder(folder, keep="ill", colour=True).shape == (3, 4, 6)


def png_of_size(width, height):
    """The few bytes of a PNG file that says it is that large."""
    import struct
    import zlib

    def chunk(kind, content):
        parts = kind + content
        return struct.pack(">I", len(content)) + parts + struct.pack(">I", zlib.crc32(parts))

    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    body = zlib.compress(bytes(1000))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", body) + chunk(b"IEND", b"")


HOSTILE = {
    "too large": png_of_size(5000, 5000),
    "a bomb that is warned of": png_of_size(10_000, 10_000),
    "a bomb": png_of_size(60_000, 60_000),
    "cut off": png_of_size(6, 4)[:40],
    "of another size": png_of_size(600, 400),
    "a program": b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 6 4\n%%EndComments\nshowpage\n",
    "nothing": b"",
}


@pytest.mark.parametrize("kind", [*HOSTILE, "a pipe", "a directory"])
def test_an_image_that_would_do_harm_is_one_line(tmp_path, kind):
    pytest.importorskip("PIL")
    folder_of_images(tmp_path, [(4, 6)] * 24)
    path = tmp_path / "5.png"
    path.unlink()
    if kind == "a pipe":
        os.mkfifo(path)
    elif kind == "a directory":
        path.mkdir()
    else:
        path.write_bytes(HOSTILE[kind])
    with pytest.raises(InputError) as refusal:
        data.image_folder(tmp_path, keep="ill")
    assert "\n" not in str(refusal.value) and "5.png" in str(refusal.value)


@pytest.mark.parametrize("name", ["../out.png", "{out}", "a\0b.png", "link.png", "circle.png"])
def test_labels_name_images_within_their_folder(tmp_path, name):
    pytest.importorskip("PIL")
    (tmp_path / "in").mkdir()
    folder = folder_of_images(tmp_path / "in", [(4, 6)] * 24)
    (folder / "1.png").rename(tmp_path / "out.png")
    (folder / "link.png").symlink_to(tmp_path / "out.png")
    (folder / "circle.png").symlink_to(folder / "circle.png")
    text = (folder / "labels.csv").read_text()
    name = name.format(out=tmp_path / "out.png")
    (folder / "labels.csv").write_text(text.replace("\n1.png", f"\n{name}"))
    with pytest.raises(InputError, match=r"is no file within|cannot be read") as refusal:
        data.image_folder(folder, keep="ill")
    assert "\n" not in str(refusal.value)


def test_a_bad_folder_of_images_is_refused(tmp_path):
    pytest.importorskip("PIL")
    folder_of_images(tmp_path, [(4, 6)] * 23 + [(5, 6)])
    with pytest.raises(InputError, match=r"one size.*0.png.*\(4, 6\).*23.png.*\(5, 6\)"):
        data.image_folder(tmp_path, keep="ill")
    with pytest.raises(InputError, match="no column 'age'"):
        data.image_folder(tmp_path, keep="age")
    with pytest.raises(InputError, match=r"has no `none.csv`: label its images"):
        data.image_folder(tmp_path, keep="ill", labels="none.csv")
    with pytest.raises(InputError, match="is also hidden"):
        data.image_folder(tmp_path, keep="ill", hide="ill")
    (tmp_path / "binary.csv").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(InputError, match="cannot be read as CSV"):
        data.image_folder(tmp_path, keep="ill", labels="binary.csv")
    (tmp_path / "few.csv").write_text("file,ill\n0.png,yes\n1.png,\n")
    with pytest.raises(InputError, match="no 'ill' in line 3"):
        data.image_folder(tmp_path, keep="ill", labels="few.csv")
    (tmp_path / "lost.csv").write_text("file,ill\n0.png,yes\nlost.png,no\n")
    with pytest.raises(InputError, match=r"There is no file .*lost.png`"):
        data.image_folder(tmp_path, keep="ill", labels="lost.csv")


def test_linear_maps_are_what_they_say():
    weight = np.arange(10.0).reshape(5, 2)
    z = Linear(center=np.ones(5), weight=weight).encode(X)
    np.testing.assert_allclose(z, (X - 1) @ weight, rtol=1e-5)

"""The audit: bounds on the right side of the truth, leaks by design reported, refusals first."""

import json
import math
import re
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from mineral.audit import Audit, Recorded, audit, leakage
from mineral.audit.attacks.classifiers import panel
from mineral.audit.pages import drawings, page, words
from mineral.audit.rows import Attack
from mineral.cli import main
from mineral.cli.problems import named as problem_named
from mineral.errors import InputError, OptionError
from mineral.experiments import find, run
from mineral.shaping import AdditiveNoise, ModuleEncoder, Network, Raw, save_encoder
from mineral.shaping.measure import auc
from mineral.shaping.neuracrypt import NeuraCrypt
from mineral.shaping.problem import Problem, table

whole = sys.modules["mineral.audit.audit"]  # the function has the name of its module
TRUTH = 0.5 * math.log(1 + 1 / 0.5**2)  # of a normal coordinate with noise of one half


def toy(n=900, seed=0):
    """A label to keep in x0; one to hide that x tells nothing of."""
    rng = np.random.default_rng(seed)
    keep, hide = rng.integers(2, size=(2, n))
    x = rng.standard_normal((n, 4))
    x[:, 0] += 2 * keep
    return Problem(name="toy", x=x, keep=keep, hide=hide)


TOY = toy()


def leaking(kind):
    z, s = TOY.x.copy(), TOY.hide
    if kind == "small":
        z[:, 3] = 1e-6 * (z[:, 3] + 3 * s)
    if kind == "pair":
        z[:, 2] = np.abs(z[:, 2]) * np.sign(z[:, 1]) * (2 * s - 1)
    return Recorded(kind, z)


@pytest.fixture(scope="module")
def audited():
    subjects = [leaking(kind) for kind in ("small", "pair", "clean")]
    return audit(subjects, TOY, attacks=["label"])


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["small", "pair"])
def test_a_leak_by_design_is_reported_by_bound_and_by_attack(audited, kind):
    found = next(each for each in audited.encoders if each.encoder == kind)
    assert found.leaks_by_bound and found.leaks_by_attack
    below = words.best(found.leakage, "I(S; Z)", "lower bound")
    assert 0.3 < below.value <= math.log(2) + 0.01
    assert found.attack("label").value > 0.85
    assert "It leaks at least" in words.verdict(found, audited)[0]


@pytest.mark.slow
def test_no_leak_is_reported_where_there_is_none(audited):
    found = audited.encoders[-1]
    assert not found.leaks_by_bound and not found.leaks_by_attack
    assert "A stronger adversary may learn more" in words.verdict(found, audited)[0]
    accuracy = found.utility[0]
    # Φ(1) = 0.841 is the best that anybody can do; 180 rows have a standard error of 0.027.
    assert accuracy.name == "accuracy" and accuracy.value == pytest.approx(0.841, abs=4 * 0.027)


@pytest.mark.slow
def test_what_the_label_that_is_kept_gives_away_is_no_leak():
    rng = np.random.default_rng(0)
    keep = rng.integers(2, size=900)
    hide = np.where(rng.random(900) < 0.2, 1 - keep, keep)
    codes = Recorded("the label", keep[:, None] + 1e-3 * rng.standard_normal((900, 1)))
    problem = Problem(name="forced", x=codes.codes, keep=keep, hide=hide)
    found = audit([codes], problem, attacks=["label"])
    (only,) = found.encoders
    assert found.guess == pytest.approx(0.8, abs=0.05) and found.floor > 0.15
    assert only.attack("label").succeeds  # beside chance, and yet no more than must be
    assert not only.leaks_by_attack and not only.leaks_by_bound


def test_lower_and_upper_bounds_lie_about_the_truth():
    rng = np.random.default_rng(0)
    s = (rng.random(1500) < 0.3).astype(np.int64)
    flipped = np.where(rng.random(1500) < 0.1, 1 - s, s)
    z = (flipped + 0.01 * rng.standard_normal(1500))[:, None]
    entropy = {p: -p * math.log(p) - (1 - p) * math.log(1 - p) for p in (0.1, 0.3, 0.34)}
    truth = entropy[0.34] - entropy[0.1]  # a symmetric channel: of all codes 34 % are near 1
    parts = [(z[i : i + 500], s[i : i + 500]) for i in (0, 500, 1000)]
    fitted = panel(*parts[:2], classes=2, seed=0, brief=True)
    attack = whole.labels.of_panel(fitted, parts[2])
    found = leakage.of_label(fitted, parts[2], symbol="S", attack=attack)
    low, fano, about, high = found
    assert [each.side for each in found] == ["lower bound", "lower bound", "neither", "upper bound"]
    stderr = (low.interval[1] - low.interval[0]) / (2 * 1.96)
    assert low.value == pytest.approx(truth, abs=4 * stderr)
    assert fano.value == pytest.approx(entropy[0.3] - entropy[0.1], abs=4 * stderr)
    assert about.value == pytest.approx(truth, abs=0.1)
    assert high.value == pytest.approx(entropy[0.3], abs=0.05)
    assert "mineral.estimate" in about.how and low.interval[0] < low.value < low.interval[1]


def test_fano_never_exceeds_the_information():
    for error in (0.0, 0.1, 0.4, 0.6, 0.9):
        right = 1 - error
        shown = {"value": right, "interval": (right, right), "chance": 1 / 3, "n": 9}
        attack = Attack(name="label", unit="share", how="", **shown)
        found = leakage._fano("I(S; Z)", attack, np.arange(900) % 3)
        # Errors spread evenly over the other classes: the channel for which Fano is exact.
        shares = np.array([right, error / 2, error / 2])
        exact = math.log(3) + (shares * np.log(np.maximum(shares, 1e-300))).sum()
        assert found.value <= exact + 1e-12
        if right >= 1 / 3:
            assert found.value == pytest.approx(exact)


def test_gaussian_noise_is_bounded_from_both_sides():
    rng = np.random.default_rng(0)
    x = rng.standard_normal((800, 2))
    encoder = AdditiveNoise(scale=0.5)
    codes = encoder.encode(x)
    low, high, capacity = leakage.of_everything(codes, leakage.channel(encoder, x))
    truth = 2 * TRUTH
    assert (low.side, high.side, capacity.side) == ("lower bound", "upper bound", "upper bound")
    assert capacity.value == pytest.approx(truth, abs=0.15)  # exact for normal x
    assert low.value - 0.1 < truth < high.value + 0.1
    assert high.value - low.value < 0.3
    assert capacity.interval[0] < truth < capacity.interval[1]


def test_noise_of_each_row_counts():
    rng = np.random.default_rng(0)
    mean, scale = rng.standard_normal((600, 1)), np.where(rng.random((600, 1)) < 0.5, 0.2, 2.0)
    codes = mean + scale * rng.standard_normal((600, 1))
    found = leakage.of_everything(codes, leakage.Channel(mean, scale))
    assert found[0].value < found[1].value and found[0].value < found[2].value


def test_a_code_without_noise_is_infinite_and_tells_rows_apart():
    codes = np.repeat(np.random.default_rng(0).standard_normal((100, 3)), 2, axis=0)
    low, high = leakage.of_everything(codes, None)
    assert low.value == pytest.approx(math.log(100)) and low.side == "lower bound"
    assert math.isinf(high.value) and high.side == "upper bound"
    (unknown,) = leakage.of_everything(codes, None, stochastic=None)
    assert math.isinf(unknown.value)


def test_channels_are_those_of_the_encoders():
    x = np.random.default_rng(0).standard_normal((5, 3))
    noisy = ModuleEncoder(Network((3, 2), noise=0.25))
    known = leakage.channel(noisy, x)
    assert known.mean.shape == (5, 2) and (known.scale == 0.25).all()
    assert leakage.channel(Raw(), x) is None is leakage.channel(ModuleEncoder(Network((3, 2))), x)


def test_the_area_under_the_curve_is_the_share_of_pairs_in_order():
    rng = np.random.default_rng(0)
    labels, scores = rng.integers(2, size=60), np.round(rng.random(60), 1)
    above = [
        float(p > q) + 0.5 * float(p == q) for p in scores[labels == 1] for q in scores[labels == 0]
    ]
    probabilities = np.stack([1 - scores, scores], axis=1)
    assert auc(probabilities, labels) == pytest.approx(np.mean(above))
    assert math.isnan(auc(probabilities, np.zeros(60, dtype=int)))


def test_rows_are_those_of_the_problems_split():
    parts = whole._split(TOY, 10_000, 3)
    for rows, part in zip(parts.rows, TOY.split(seed=3), strict=True):
        assert np.array_equal(np.sort(TOY.x[rows], axis=0), np.sort(part.x, axis=0))
    fewer = whole._split(TOY, 300, 3)
    assert [len(rows) for rows in fewer.rows] == [180, 60, 60]
    assert all(set(few) <= set(rows) for few, rows in zip(fewer.rows, parts.rows, strict=True))


@pytest.mark.slow
def test_all_attacks_on_images_and_a_page(tmp_path):
    rng = np.random.default_rng(0)
    images = np.clip(rng.random((150, 4, 4)) * rng.random((150, 1, 1)), 0, 1).reshape(150, 16)
    keep, hide = (images.mean(axis=1) > 0.25).astype(int), (images[:, 0] > 0.2).astype(int)
    problem = Problem(name="<blots>", x=images, keep=keep, hide=hide, shape=(4, 4))
    key = NeuraCrypt.draw((1, 4, 4), patch=2, width=16, depth=0)
    chosen = ["label", "reconstruction", "known plaintext"]
    found = audit([key, AdditiveNoise(scale=0.3)], problem, attacks=chosen, seed=1)
    assert [each.name for each in found.encoders[0].attacks] == chosen
    assert found.encoders[0].dim == 64 and found.encoders[1].dim == 16
    json.dumps(found.to_dict(), allow_nan=False)
    page.write(found, tmp_path / "audit.html", command="mineral audit <this>")
    content = (tmp_path / "audit.html").read_text()
    assert "&lt;blots&gt;" in content and "<blots>" not in content and "<script" not in content
    assert content.count("data:image/png;base64") == 5 and "http" not in content.split("<body>")[1]
    for part in (words.NO_PROMISE, words.LOW_BOUNDS, "known plaintext", "neuracrypt"):
        assert part in content
    assert "noise" in words.text(found)


def test_the_page_and_the_text_name_the_label_and_the_secret(audited):
    named = replace(audited, keep_name="ill", hide_name="<sex>")
    content, text = page.page(named), words.text(named)
    assert "L is ill, the label to keep; S is &lt;sex&gt;, a label to hide" in content
    assert "accuracy for ill" in content and "share of &lt;sex&gt; guessed" in content
    assert "nats of &lt;sex&gt;" in content and "accuracy for L" not in content
    assert "S is <sex>" in text and " for ill" in text
    assert "L: label to keep; S: label to hide" in page.page(audited)


def test_names_come_from_the_columns_of_a_table():
    columns = {"a": TOY.x[:, 0], "ill": TOY.keep, "sex": TOY.hide, "age": TOY.x[:, 1]}
    for hide, expected in (("sex", "sex"), (["age", "sex"], "age, sex"), (None, "")):
        problem = table(columns, keep="ill", hide=hide, features=["a"])
        assert (problem.keep_name, problem.hide_name) == ("ill", expected)
    assert problem_named("synthetic", 200).keep_name == "y // 2"
    assert problem_named("gaussian-classes", 200).hide_name == ""


def test_plurals_agree(audited):
    single = replace(audited.encoders[0], dim=1)
    one = replace(audited, encoders=(single,))
    assert "small, 1 dimension: " in words.text(one) and "small, 4 dimensions: " in words.text(
        audited
    )
    assert "1 encoder. 540 training rows" in page.page(one)
    assert "3 encoders. 540 training rows" in page.page(audited)


def test_the_panels_of_the_page_stack_on_a_phone(audited):
    """Each is a drawing of its own, in a grid that has two columns on wide screens only."""
    content = page.page(audited)
    grid = content[content.index('class="panels"') : content.index("<h2>Encoders</h2>")]
    assert grid.count("<svg") == 2 and "--columns: 2" in grid
    narrow, _, wide = content.partition("@media (min-width: 36rem)")
    assert ".panels { display: grid; gap: 0.75rem; grid-template-columns: minmax(0, 1fr)" in narrow
    assert ".panels { grid-template-columns: repeat(" in wide
    body = content[content.index("<body>") :]
    tables = re.findall(r'(<div class="scroll">\s*)?<table class="board">', body)
    assert len(tables) == 2 and all(tables)  # wide ones scroll, with the hint of the style


@pytest.mark.slow
def test_everything_and_numbers_can_be_hidden():
    whole_x = replace(TOY, hide=None)
    found = audit([AdditiveNoise(scale=1.0)], whole_x, attacks=["reconstruction"], most_rows=300)
    assert found.hides == "everything" and found.guess is None
    names = [(each.name, each.side) for each in found.encoders[0].leakage]
    assert names == [("I(X; Z)", side) for side in ("lower bound", "upper bound", "upper bound")]
    assert "<svg" in page.page(found)
    numbers = replace(TOY, hide=TOY.x[:, :2])
    codes = Recorded("wide", np.repeat(TOY.x, 10, axis=1))  # too wide to estimate by neighbours
    found = audit([codes], numbers, attacks=["label"], most_rows=300)
    assert found.hides == "numbers" and found.encoders[0].attacks[0].value > 0.99
    assert found.encoders[0].leaks_by_attack and "hidden numbers" in page.page(found)


def test_no_attack_on_pairs_is_needed_for_an_order_of_names():
    subjects = whole._named([Raw(), Raw(), Recorded("raw", TOY.x)])
    assert list(subjects) == ["raw", "raw 2", "raw 3"]


class Untrained(Exception):
    """Something was trained."""


@pytest.fixture
def nothing_trained(monkeypatch):
    def refuse(*_args, **_options):
        raise Untrained

    monkeypatch.setattr(whole, "panel", refuse)


@pytest.mark.usefixtures("nothing_trained")
class TestRefusedBeforeTraining:
    def test_what_is_fine_would_train(self):
        with pytest.raises(Untrained):
            audit([Raw()], TOY)

    def test_codes_with_nan(self):
        codes = TOY.x.copy()
        codes[7, 1] = np.nan
        with pytest.raises(
            InputError, match=r"`encoded` has a missing or infinite code, .* at row 7"
        ):
            Recorded.of("mine", codes)
        network = ModuleEncoder(Network((4, 2)))
        network.module.net[0].weight.data[:] = math.nan
        with pytest.raises(InputError, match="codes that are not finite"):
            audit([Raw(), network], TOY)

    def test_rows_that_differ(self):
        with pytest.raises(InputError, match="a code for each of the 900 rows, got 10"):
            audit([Recorded("mine", TOY.x[:10])], TOY)

    def test_an_encoder_of_other_features(self):
        with pytest.raises(InputError, match="3 features"):
            audit([ModuleEncoder(Network((3, 2)))], TOY)

    def test_an_unknown_attack_and_no_encoder(self):
        with pytest.raises(OptionError, match=r"`attacks` knows label, .*, got 'magic'"):
            audit([Raw()], TOY, attacks=["magic"])
        with pytest.raises(OptionError, match="at least one encoder"):
            audit([], TOY)


@pytest.fixture
def command(tmp_path, monkeypatch, capfd):
    monkeypatch.chdir(tmp_path)

    def call(*words):
        status = main(["audit", *map(str, words)])
        return status, *capfd.readouterr()

    return call


@pytest.fixture
def files(tmp_path):
    """A table, its codes, and an encoder."""
    rows = TOY.x[:150]
    lines = [",".join(["a", "b", "c", "d", "keep", "hide", "one", "rare"])]
    for k, (x, keep, hide) in enumerate(zip(rows, TOY.keep, TOY.hide, strict=False)):
        lines.append(",".join([*map(str, x), str(keep), str(hide), "1", str(keep if k else 2)]))
    (tmp_path / "raw.csv").write_text("\n".join(lines))
    np.savez(tmp_path / "raw.npz", x=rows, keep=TOY.keep[:150], hide=TOY.hide[:150])
    np.savez(tmp_path / "codes.npz", z=rows[:, :2])
    np.savez(tmp_path / "broken.npz", z=np.where(rows > 2, np.nan, rows))
    np.savez(tmp_path / "short.npz", z=rows[:50])
    save_encoder(ModuleEncoder(Network((4, 2), noise=0.1)), tmp_path / "enc.safetensors")
    other = ModuleEncoder(Network((2, 2)), columns=("a", "weight"))
    save_encoder(other, tmp_path / "other.safetensors")
    for name in ("prose.csv", "prose.txt", "prose.md"):
        (tmp_path / name).write_text("This is no table, but\nprose: with, more, commas\n")


@pytest.mark.usefixtures("files")
@pytest.mark.slow
def test_the_command_audits_a_file_and_writes_a_page(command):
    given = ("raw.csv", "--keep", "keep", "--hide", "hide", "--features", "a,b,c,d")
    chosen = ("--encoder", "enc.safetensors", "--encoder", "pca:2", "--attack", "label")
    status, out, err = command(*given, *chosen, "--report", "audit.html")
    assert (status, err) == (0, "")
    for part in ("pca, 2 dimensions", "Report: audit.html", "proved to be private"):
        assert part in out
    assert "pca" in Path("audit.html").read_text()


@pytest.mark.slow
def test_usual_noise_hides_each_column_alike_whatever_its_unit(command):
    rng = np.random.default_rng(7)
    people = rng.standard_normal((1000, 2)) * [1.0, 1e4] + [170.0, 5e4]
    ill = rng.integers(2, size=1000)
    np.savez("people.npz", height=people[:, 0], income=people[:, 1], ill=ill)
    words = ("people.npz", "--keep", "ill", "--encoder", "noise", "--attack", "label", "--json")
    found = {}
    for column in ("height", "income", "height,income"):
        status, out, err = command(*words, "--features", column)
        assert (status, err) == (0, "")
        (encoder,) = json.loads(out)["encoders"]
        bounds = [m for m in encoder["leakage"] if m["name"] == "I(X; Z)"]
        found[column] = min(m["value"] for m in bounds if m["side"] == "upper bound")
    # Each column is a channel of signal-to-noise ratio 1: log(2) / 2 nats, and two have twice that.
    # The bounds average a log density ratio whose deviation is below 1, over 200 rows.
    for column, channels in (("height", 1), ("income", 1), ("height,income", 2)):
        assert abs(found[column] - channels * math.log(2) / 2) < 4 / math.sqrt(200), column


@pytest.mark.usefixtures("files")
@pytest.mark.slow
def test_the_command_audits_recorded_codes(command):
    words = ("--raw", "raw.npz", "--encoded", "codes.npz", "--keep", "keep", "--hide", "hide")
    status, out, err = command(*words, "--attack", "label", "--json")
    made = json.loads(out)
    assert (status, err) == (0, "")
    assert [each["encoder"] for each in made["encoders"]] == ["raw", "codes"]
    assert made["encoders"][1]["dim"] == 2 and made["n"] == [90, 30, 30]


@pytest.mark.usefixtures("files")
@pytest.mark.parametrize(
    ("given", "says"),
    [
        (("raw.csv",), "`--keep` must name the label"),
        ((), "Name the raw rows once"),
        (("raw.csv", "--keep", "ill", "--hide", "hide"), "'ill'"),
        (("raw.csv", "--keep", "keep", "--hide", "one", "--features", "a"), "one class only"),
        (("raw.npz", "--keep", "keep", "--encoded", "broken.npz"), "missing or infinite"),
        (("raw.npz", "--keep", "keep", "--encoded", "short.npz"), "each of the 150 rows, got 50"),
        (("raw.npz", "--keep", "keep", "--encoder", "magic"), "must be a .safetensors file or one"),
        (("raw.npz", "--keep", "keep", "--encoder", "pca:few"), "needs a whole number"),
        (("raw.npz", "--keep", "keep", "--encoder", "neuracrypt"), "needs images"),
        (("raw.npz", "--keep", "keep", "--attack", "magic"), "`attacks` knows"),
        (("raw.npz", "--keep", "keep", "--rows", "5"), "`--rows` must be at least 100"),
        (("mnist-parity", "--keep", "keep"), "has its own label"),
        (("raw.npz", "--keep", "keep", "--report", "no/where.html"), "`--report` needs"),
        (("raw.npz", "--keep", "keep", "--seed", "-1"), "`--seed` must be"),
        (("raw.csv", "--keep", "keep", "--hide", "keep"), "is also hidden"),
        (("raw.csv", "--keep", "rare", "--features", "a"), "`keep` has a class with"),
        (("raw.csv", "--keep", "keep", "--encoder", "other.safetensors"), "lack 'weight'"),
        (("raw.csv", "--keep", "keep", "--encoder", "none.safetensors"), "There is no file"),
        (("prose.csv", "--keep", "keep"), "does not have"),
        (("prose.txt", "--keep", "keep"), "does not have"),
        (("prose.md", "--keep", "keep"), "of no kind that can be read"),
        ((".", "--keep", "keep"), "has no `labels.csv`"),
    ],
)
def test_the_command_refuses_in_one_line_and_writes_nothing(command, given, says, monkeypatch):
    def refuse(*_args, **_options):
        raise Untrained

    monkeypatch.setattr(whole, "panel", refuse)
    monkeypatch.setattr("mineral.cli.problems.named", lambda *_args: TOY)
    given = given if "--report" in given or not given else (*given, "--report", "audit.html")
    status, out, err = command(*given)
    assert (status, out) == (2, "") and says in err and err.count("\n") == 1
    assert not Path("audit.html").exists()


def test_the_command_reads_a_folder_of_images(command, tmp_path):
    from PIL import Image

    from mineral.cli.problems import problem_of

    folder = tmp_path / "images"
    folder.mkdir()
    lines = ["file,ill"]
    for k in range(20):
        Image.fromarray(np.full((4, 4), 10 * k, np.uint8)).save(folder / f"{k}.png")
        lines.append(f"{k}.png,{k % 2}")
    (folder / "labels.csv").write_text("\n".join(lines))
    problem = problem_of(str(folder), "ill", None, None)
    assert problem.shape == (4, 4) and problem.hide is None
    Image.fromarray(np.zeros((5, 4), np.uint8)).save(folder / "7.png")
    status, _, err = command(folder, "--keep", "ill")
    assert status == 2 and "Images must have one size" in err


def test_pictures_are_tiles():
    strip = drawings.images(np.zeros((3, 12)), (3, 2, 2))
    assert strip.startswith("data:image/png;base64,")
    assert drawings._tile(np.arange(5.0), None).shape == (3, 3)
    assert drawings._tile(np.linspace(-1, 2, 6), (2, 3)).tolist()[0][0] == 0


@pytest.mark.slow
def test_the_study_of_neuracrypt_concludes(tmp_path, monkeypatch):
    images = np.random.default_rng(0).integers(256, size=(60, 28, 28), dtype=np.uint8)
    monkeypatch.setattr("mineral.mnist.load", lambda _part: (images, np.zeros(60, np.uint8)))
    changes = {"seeds": 1, "images": 60, "width": 64, "depths": [0], "keys": 2, "steps": 3}
    found = run(find("neuracrypt"), out=tmp_path / "a", changes=changes)
    linear = found.metrics["linear-patch7"]
    assert linear["median"] == linear["lowest"] == 1.0
    assert set(found.metrics["matching-patch7-depth0"]["steps"]) == {
        "patches, then images",
        "places recovered",
        "encoder fitted",
    }
    assert "No encoder here is private" in (tmp_path / "a" / "report.md").read_text()


def test_an_audit_is_plain_data(audited):
    assert isinstance(audited, Audit)
    again = json.loads(json.dumps(audited.to_dict(), allow_nan=False))
    assert again["encoders"][0]["leaks_by_bound"] and again["hides"] == "label"
    assert again["n"] == [540, 180, 180] and again["guess"] == pytest.approx(0.5, abs=0.1)

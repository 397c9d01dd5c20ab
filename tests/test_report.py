"""The page of a report: complete, true to the estimate, safe, and in need of nothing."""

import re
import shutil
import subprocess
import sys
from dataclasses import replace
from functools import partial
from html.parser import HTMLParser

import numpy as np
import pytest

from mineral import KSG, JointCritic, estimate, report
from mineral.errors import InputError, MissingExtraError, OptionError
from mineral.report import words
from mineral.report.page import page
from mineral.results import Caution, Curve

matplotlib = pytest.importorskip("matplotlib")
pytest.importorskip("jinja2")

EVIL = "<script>alert(1)</script>"
CURVE = Curve(steps=(0, 50, 100), training=(0.0, 0.6, 0.9), validation=(0.0, 0.5, 0.4), best=1)
VOID = {"meta", "link", "br", "hr", "img", "input"}


class Outline(HTMLParser):
    """The tags, attributes and visible text of a page; fails on tags that do not match."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.attributes, self.words, self.open = [], [], [], []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += [(tag, *pair) for pair in attrs]
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += [(tag, *pair) for pair in attrs]

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if not self.open or self.open[-1] != "style":
            self.words.append(data)

    @property
    def text(self):
        return " ".join(" ".join(self.words).split())


@pytest.fixture(scope="module")
def plain():
    rng = np.random.default_rng(0)
    x = rng.standard_normal(300)
    return KSG().estimate(x, x + rng.standard_normal(300))


@pytest.fixture(scope="module")
def trained(plain):
    return replace(plain, evidence=replace(plain.evidence, curves=(CURVE, CURVE, CURVE)))


@pytest.fixture(scope="module")
def plain_page(plain):
    return page(plain)


@pytest.fixture(scope="module")
def trained_page(trained):
    return page(trained)


def with_names(found, x, y):
    return replace(found, evidence=replace(found.evidence, x_names=(x,), y_names=(y,)))


def test_the_page_asks_the_network_for_nothing(trained_page):
    content, outline = trained_page, Outline(trained_page)
    assert "http:" not in content and "https:" not in content and "@import" not in content
    assert not {"script", "iframe", "object", "embed", "form", "a"} & set(outline.tags)
    for tag, name, value in outline.attributes:
        if name in ("src", "href", "xlink:href", "srcset", "action"):
            assert value.startswith(("data:", "#")), (tag, name, value)
        assert not name.startswith("on")
    assert re.findall(r"url\((?!#)", content) == []


def test_the_page_is_accessible_and_adapts(trained_page):
    outline = Outline(trained_page)
    assert ("html", "lang", "en") in outline.attributes
    assert ("meta", "name", "viewport") in outline.attributes
    assert "prefers-color-scheme: dark" in trained_page
    assert outline.tags.count("h1") == 1 and outline.tags.count("main") == 1
    labels = [
        value for tag, name, value in outline.attributes if (tag, name) == ("svg", "aria-label")
    ]
    assert len(labels) == outline.tags.count("svg") == 4  # scale, colours, samples, training
    assert all(labels)
    identities = [value for _, name, value in outline.attributes if name == "id"]
    assert len(identities) == len(set(identities))


def test_every_reference_within_the_page_finds_its_target(trained_page):
    wanted = set(re.findall(r'(?:href="|url\()#([^")]+)', trained_page))
    assert wanted and wanted == set(re.findall(r'\bid="([^"]+)"', trained_page))


def test_the_numbers_are_those_of_the_estimate(plain):
    text = Outline(page(replace(plain, value=0.97361, interval=(0.8949, 1.0523), stderr=0.04))).text
    assert "0.974 nats 95% interval: 0.895 to 1.052 nats" in text
    assert "In bits: 1.405, interval 1.291 to 1.518" in text
    assert "0.97361 nats" in text


def test_bits_come_first_where_they_were_asked_for(plain):
    found = replace(plain, value=1.0, interval=(0.9, 1.1), stderr=0.05, unit="bits")
    text = Outline(page(found)).text
    assert "1.000 bits 95% interval: 0.900 to 1.100 bits" in text
    assert "In nats: 0.693" in text
    assert "unit='bits'" in text


@pytest.mark.parametrize("kind", ["lower bound", "upper bound", "neither"])
def test_the_kind_of_number_is_explained(plain, kind):
    assert words.KINDS[kind] in Outline(page(replace(plain, kind=kind))).text


@pytest.mark.parametrize(
    ("interval", "said"),
    [
        ((0.4, 0.6), "above 0"),
        ((-0.1, 0.1), "contains 0"),
        ((-0.3, -0.1), "below 0, and mutual information is never negative"),
    ],
)
def test_the_interval_is_read_beside_zero(plain, interval, said):
    found = replace(plain, value=sum(interval) / 2, interval=interval)
    assert said in " ".join(words.meaning(found))


def test_the_value_is_read_as_a_correlation(plain):
    nats = -np.log(1 - 0.6**2) / 2
    found = replace(plain, value=nats, interval=(nats - 0.01, nats + 0.01))
    assert "a correlation of 0.60 have" in " ".join(words.meaning(found))
    assert "above 0.999" in " ".join(
        words.meaning(replace(plain, value=20.0, interval=(19.0, 21.0)))
    )
    assert words.meaning(replace(plain, value=np.nan, interval=(np.nan, np.nan))) == []


def test_warnings_are_shown_in_words_with_their_code(plain):
    doubts = (Caution("ties", "Use `k` of <b>5</b>."), Caution("few-samples", "A lone ` here."))
    content = page(replace(plain, warnings=doubts))
    assert "Use <code>k</code> of &lt;b&gt;5&lt;/b&gt;." in content
    assert "A lone ` here." in content
    assert '<code class="tag">few-samples</code>' in content
    assert words.NO_WARNINGS not in Outline(content).text


def test_the_absence_of_warnings_is_said_and_not_overstated(plain_page):
    text = Outline(plain_page).text
    assert f"No warnings {words.NO_WARNINGS}" in text and "cannot prove it right" in text


def test_how_it_was_chosen_is_shown_where_a_choice_was_made(plain, plain_page):
    chosen = replace(plain, path=("Found <this>.", "It stands."))
    assert "How the value was computed Found <this>. It stands." in Outline(page(chosen)).text
    assert "How the value was computed" not in plain_page


def test_training_is_shown_where_there_was_any(plain_page, trained_page):
    assert "Each of 3 networks" in Outline(trained_page).text and "gradient steps" in trained_page
    assert "The training" not in plain_page and "gradient steps" not in plain_page


def test_samples_without_pointwise_values_are_shown_and_explained(plain):
    found = replace(plain, evidence=replace(plain.evidence, pointwise=None))
    text = Outline(page(found)).text
    assert words.READING_PLAIN in text and words.READING not in text


def test_panels_show_pairs_of_coordinates_and_say_what_is_left_out():
    rng = np.random.default_rng(0)
    x = rng.standard_normal((2500, 4))
    content = page(estimate(x, x[:, :2] + rng.standard_normal((2500, 2)), estimator="copula"))
    assert content.count('aria-label="Scatter plot of ') == 6
    text = Outline(content).text.replace("\xa0", " ")
    assert "The plot shows 3 × 2 of 4 × 2 pairs of columns" in text
    assert "2,000 of 2,500 samples are plotted" in text
    assert len(content) < 1_500_000


def test_all_facts_are_in_the_table(plain):
    text = Outline(page(with_names(plain, "height", "weight"))).text
    for fact in (
        "ksg: Nearest neighbours (Kraskov, Stögbauer & Grassberger)",
        "k = 3, variant = 1, standardize = True",
        "Samples 300",
        "X 1 dimension: height",
        "Y 1 dimension: weight",
        "95% interval ",
        "Allowance 0: the interval does not allow for bias",
        "Seed 0",
        f"torch {plain.versions['torch']}",
    ):
        assert fact in text, fact


@pytest.mark.parametrize("where", ["title", "command", "x", "y", "options", "path", "versions"])
def test_what_the_user_wrote_is_text_wherever_it_appears(plain, where):
    changes, found = {}, plain
    if where in ("title", "command"):
        changes[where] = EVIL
    elif where in ("x", "y"):
        found = with_names(plain, **{"x": "a", "y": "b"} | {where: EVIL})
    elif where == "options":
        found = replace(plain, options={"critic": EVIL, EVIL: 1})
    elif where == "path":
        found = replace(plain, path=(EVIL,))
    else:
        found = replace(plain, versions=plain.versions | {"torch": EVIL, "mineral": f'"{EVIL}'})
    content = page(found, **changes)
    assert "<script" not in content
    assert "script" not in Outline(content).tags
    assert EVIL in Outline(content).text


def test_a_name_cannot_leave_its_attribute(plain):
    content = page(with_names(plain, '" onload="alert(1)', "b"))
    assert "onload" not in {name for _, name, _ in Outline(content).attributes}


@pytest.mark.parametrize("name", ["身高", "a\nb", "\x00\x1b", "$a$ $b", "n" * 500, "\udcff", ""])
def test_any_name_makes_a_page(plain, name, tmp_path):
    path = tmp_path / "report.html"
    report.write(with_names(plain, name, "y"), path, title=name or None, command=name)
    Outline(path.read_text(encoding="utf-8"))


def test_the_same_estimate_gives_the_same_bytes(trained, tmp_path):
    one, two = tmp_path / "one.html", tmp_path / "two.html"
    report.write(trained, one)
    with matplotlib.rc_context(
        {"axes.facecolor": "black", "font.size": 30, "svg.fonttype": "path"}
    ):
        report.write(trained, two)  # whatever the user's own plots look like
    assert one.read_bytes() == two.read_bytes()


def test_matplotlib_is_left_as_it_was(plain):
    before = dict(matplotlib.rcParams.copy())
    page(plain)
    assert dict(matplotlib.rcParams.copy()) == before


def test_the_command_is_the_one_that_was_given(plain):
    assert (
        "mineral estimate 'my data.csv' --x a"
        in Outline(page(plain, command="mineral estimate 'my data.csv' --x a")).text
    )


@pytest.mark.parametrize(
    ("made_by", "options", "call"),
    [
        (KSG(), {}, "mineral.estimate(x, y, estimator='ksg', seed=0)"),
        (KSG(k=5), {}, "mineral.estimate(x, y, estimator='ksg', k=5, seed=0)"),
        (
            KSG(),
            {"seed": 7, "confidence": 0.9, "unit": "bits"},
            "mineral.estimate(x, y, estimator='ksg', seed=7, confidence=0.9, unit='bits')",
        ),
        ("auto", {"seed": 2}, "mineral.estimate(x, y, estimator='auto', seed=2)"),
    ],
)
def test_the_python_call_makes_the_same_estimate_again(made_by, options, call):
    import mineral

    rng = np.random.default_rng(0)
    x = rng.standard_normal(100)
    y = x + rng.standard_normal(100)
    found = estimate(x, y, estimator=made_by, **options)
    assert words.python_call(found) == call
    assert eval(call, {"mineral": mineral, "x": x, "y": y}) == found


def test_rows_that_were_dropped_are_dropped_again():
    x = np.append(np.random.default_rng(0).random(30), np.nan)
    found = estimate(x, np.arange(31.0), estimator="ksg", missing="drop")
    assert words.python_call(found).endswith("missing='drop')")


def test_a_critic_is_described_by_its_name(plain):
    critic = partial(JointCritic, hidden=(16,))
    found = replace(plain, estimator="mine", options={"critic": critic})
    call = words.python_call(found)
    assert "critic=functools.partial(mineral.JointCritic, hidden=(16,))" in call
    described = "functools.partial(JointCritic, hidden=(16,))"
    assert dict(words.facts(found))["Options"] == f"critic = {described}"

    def own(dim_x, dim_y):
        return JointCritic(dim_x, dim_y)

    assert "critic=own," in words.python_call(replace(found, options={"critic": own}))


def test_an_estimator_of_ones_own_can_be_reported(plain):
    text = Outline(page(replace(plain, estimator="my-own", options={}))).text
    assert "Estimator my-own" in text and "Options none" in text


@pytest.mark.parametrize("missing", ["jinja2", "matplotlib"])
def test_without_its_packages_the_report_says_what_to_install(
    plain, missing, monkeypatch, tmp_path
):
    for name in [missing, f"{missing}.figure"]:
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(MissingExtraError, match=r"pip install 'mineral\[report\]'"):
        report.write(plain, tmp_path / "report.html")
    assert list(tmp_path.iterdir()) == []


def test_a_missing_folder_is_refused_and_nothing_is_left_behind(plain, tmp_path):
    with pytest.raises(InputError, match=r"no/report\.html"):
        report.write(plain, tmp_path / "no" / "report.html")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("chromium") is None, reason="needs chromium")
def test_a_browser_shows_the_page_without_complaint(trained, tmp_path):
    path = tmp_path / "report.html"
    report.write(trained, path)
    quiet = "no-sandbox disable-gpu disable-quic no-first-run disable-background-networking"
    shown = subprocess.run(
        [
            "chromium",
            "--headless",
            *(f"--{flag}" for flag in quiet.split()),
            f"--user-data-dir={tmp_path / 'profile'}",
            "--enable-logging=stderr",
            "--dump-dom",
            path.as_uri(),
        ],
        capture_output=True,
        text=True,
        timeout=100,
        check=True,
    )
    assert "CONSOLE" not in shown.stderr
    assert shown.stdout.count("<svg") == 4


def test_an_estimate_writes_its_report(plain, tmp_path):
    plain.report(tmp_path / "own.html", title="Of my own")
    assert "<h1>Of my own</h1>" in (tmp_path / "own.html").read_text()
    with pytest.raises(OptionError, match=r"writes HTML, got `.*x\.pdf`: name a file that ends"):
        plain.report(tmp_path / "x.pdf")
    assert [path.name for path in tmp_path.iterdir()] == ["own.html"]


def test_a_correlation_is_a_comparison_for_one_number_with_one_only(plain):
    assert "correlation" in " ".join(words.meaning(plain))
    assert "correlation" not in " ".join(words.meaning(replace(plain, dim_x=2)))
    of_words = replace(plain, evidence=replace(plain.evidence, y_levels={"y": ("a", "b")}))
    assert "correlation" not in " ".join(words.meaning(of_words))


def test_a_value_above_every_training_curve_is_explained(trained):
    assert "above every curve" in words.training(replace(trained, value=0.7))
    assert "above every curve" not in words.training(replace(trained, value=0.4))


def test_wide_tables_scroll_on_a_phone_with_a_hint(plain_page):
    assert "Scroll sideways" in plain_page and ".scroll { overflow-x: auto; }" in plain_page

"""From rows to what a reader sees: the numbers by hand, the page, the comparison."""

import csv
import gzip
import io
import json
import math
import os
import re
import tracemalloc
from collections import Counter
from dataclasses import asdict

import pytest
from test_report import Outline

from mineral.benchmark import Row, compare, read, rows
from mineral.benchmark.page import in_html, write
from mineral.benchmark.summary import loss, noise_of_mean, standings, with_references
from mineral.benchmark.tables import COLUMNS, cost, markdown, number, share
from mineral.errors import InputError, OptionError

pytest.importorskip("jinja2")
pytest.importorskip("matplotlib")


def row(value, truth=1.0, *, label="a", task="one", n=100, seed=0, **rest):
    family = rest.pop("family", task)
    status = "ok" if value is not None else rest.pop("status", "failed")
    return Row(
        task=task,
        family=family,
        dim_x=1,
        dim_y=1,
        n=n,
        seed=seed,
        label=label,
        truth=truth,
        value=value,
        status=status,
        **rest,
    )


def of(rows, label="a"):
    return next(each for each in standings(rows) if each.label == label)


class TestStandings:
    def test_by_hand(self):
        rows = [
            row(1.05, seed=0, low=0.9, high=1.2, seconds=1.0, peak_megabytes=10.0, oracle=1.01),
            row(0.75, seed=1, low=0.7, high=0.8, seconds=3.0, peak_megabytes=20.0, oracle=0.98),
            row(0.2, 0.0, task="two", low=0.1, high=0.3, seconds=2.0, oracle=0.0),
            row(None, 0.0, task="two", seed=1, status="timeout"),
        ]
        found = of(rows)
        assert found.error == pytest.approx(((0.05 + 0.25) / 2 + (0.2 + 0.0) / 2) / 2)
        assert found.error_where_ran == pytest.approx(((0.05 + 0.25) / 2 + 0.2) / 2)
        assert found.bias == pytest.approx(((0.05 - 0.25) / 2 + 0.2) / 2)
        assert found.spread == pytest.approx(0.3 / math.sqrt(2))  # of the one cell with two values
        assert found.close == 1 / 4
        assert found.coverage == 1 / 3 and found.false_positives == 1.0
        assert (found.seconds, found.megabytes) == (2.0, 15.0)
        assert (found.cells, found.of_cells, found.runs) == (2, 2, 4)
        assert found.without == Counter(timeout=1)
        # Per cell: the variance of its two losses over two; their mean over two cells, then again.
        expected = math.sqrt((0.2**2 / 2 / 2 + 0.2**2 / 2 / 2) / 2 / 2)
        assert found.noise == pytest.approx(expected)

    def test_the_oracle_and_nothing_stand_beside(self):
        rows = [
            row(2.0, oracle=1.2),
            row(1.5, seed=1, oracle=0.9),
            row(1.5, label="b", oracle=1.2),
            row(3.0, 3.0, task="two"),
        ]
        found = with_references(rows)
        assert len(found) == 4 + 3 + 2  # once for each sample, however many estimators
        assert of(found, "oracle").error == pytest.approx((0.2 + 0.1) / 2)  # where it is known
        assert (of(found, "oracle").cells, of(found, "oracle").of_cells) == (1, 1)
        assert of(found, "nothing").error == pytest.approx((1.0 + 3.0) / 2)
        assert with_references(found)[-1] == found[-1] and len(with_references(found)) == len(found)

    def test_who_did_not_run_everywhere_is_judged_everywhere(self):
        rows = [row(1.1), row(2.0, 2.0, task="two"), row(1.0, label="b")]
        found = of(rows, "b")
        assert (found.error, found.error_where_ran) == (1.0, 0.0)  # (0 + 2) / 2
        assert (found.cells, found.of_cells) == (1, 2)
        assert [each.label for each in standings(rows)] == ["a", "b"]

    def test_more_seeds_do_not_make_a_task_count_more(self):
        rows = [row(1.3, seed=seed) for seed in range(5)] + [row(1.0, task="two")]
        assert of(rows).error == pytest.approx(0.15)

    def test_what_nobody_knows_is_none(self):
        found = of([row(None)])
        unknown = ("error_where_ran", "bias", "spread", "coverage", "false_positives", "seconds")
        assert all(getattr(found, name) is None for name in unknown)
        assert (found.error, found.close, found.noise) == (1.0, 0.0, None)

    def test_noise_is_between_seeds_and_not_between_tasks(self):
        assert noise_of_mean([[1.0, 1.0], [5.0, 5.0]]) == 0.0
        assert noise_of_mean([[1.0], [5.0]]) is None
        assert noise_of_mean([[0.0, 2.0]]) == pytest.approx(1.0)  # sqrt(2) / sqrt(2)

    def test_a_run_without_a_value_costs_the_truth(self):
        assert loss(row(None, 2.5)) == 2.5 and loss(row(-1.0, 2.5)) == 3.5


def test_numbers_are_written_as_exactly_as_they_are_known():
    assert [number(v) for v in (0.12345, -0.5, None, 123456.0)] == [
        "0.123",
        "−0.500",
        "–",
        "1.2e+05",
    ]
    assert number(0.5, signed=True) == "+0.500"
    assert [share(v) for v in (0.954, None)] == ["95%", "–"]
    assert [cost(v) for v in (0.01234, 123.4, 5.0, None)] == ["0.012", "120", "5", "–"]


ROWS = [
    row(value, truth, label=label, task=task, n=n, seed=seed, low=value - 0.1, high=value + 0.1)
    for label, off in (("ksg", -0.1), ("far", 40.0))
    for task, truth in (("one", 1.0), ("null", 0.0), ("two & <b>", 2.0))
    for n in (100, 1000)
    for seed in range(2)
    for value in [truth + off + 0.01 * seed]
]
ROWS += [row(None, 1.0, label="<script>", status="refused", message="not for `these` <i>")]


def test_the_markdown_is_a_table_with_its_legend():
    standing = standings(with_references(ROWS))
    first, second, *lines = markdown(standing).splitlines()
    assert first.count("|") == second.count("|") == lines[0].count("|")
    assert len(first.split("|")) <= len(COLUMNS) + 3 and "seconds" not in first  # nobody has any
    assert lines[0].startswith("| `ksg` | 0.095 ± 0.002 |")
    assert (
        any(line.startswith("| `nothing` |") for line in lines)
        and "where a run without a value" in lines[-1]
    )


def test_the_csv_has_every_part(tmp_path):
    from mineral.benchmark.tables import comma_separated

    found = list(csv.DictReader(io.StringIO(comma_separated(with_references(ROWS)))))
    parts = Counter((each["n"], each["family"]) for each in found)
    assert len(parts) == 3 * 4 and ("1000", "null") in parts
    whole = next(e for e in found if (e["n"], e["family"], e["estimator"]) == ("all", "all", "ksg"))
    assert float(whole["error"]) == pytest.approx(0.095) and whole["seconds"] == ""
    script = [each for each in found if each["estimator"] == "<script>"]
    assert script[0]["refused"] == "1"


@pytest.fixture(scope="module")
def content():
    runs = [{"command": "mineral benchmark --suite <x>", "started": "2026", "jobs": 2}]
    return in_html(with_references(ROWS), runs)


class TestThePage:
    def test_opens_and_asks_the_network_for_nothing(self, content):
        outline = Outline(content)
        assert not {"script", "iframe", "link"} & set(outline.tags) - {"link"}
        assert "http:" not in content and "https:" not in content
        for tag, name, value in outline.attributes:
            if name in ("src", "href", "xlink:href"):
                assert value.startswith(("data:", "#")), (tag, name, value)
        identities = [value for _, name, value in outline.attributes if name == "id"]
        assert len(identities) == len(set(identities))
        assert "prefers-color-scheme: dark" in content
        assert ("meta", "name", "viewport") in outline.attributes

    def test_shows_everybody_and_what_went_wrong(self, content):
        text = Outline(content).text
        assert "3 tasks, n = 100 and 1,000, 2 seeds" in text
        assert "best: ksg , with a mean absolute error of 0.095 nats" in text
        for heading in ("Bias and spread by family", "Error against N", "Coverage", "Facts"):
            assert heading in text
        assert "<script> refused, 1 times: not for these <i>" in text
        assert "mineral benchmark --suite <x>" in text

    def test_the_best_shade_is_the_palest(self, content):
        heat = dict(re.findall(r"--heat: ([\d.]+);[^>]*>([−+][\d.]+)", content))
        assert heat["45"] == "+40.005" and heat["8.5"] == "−0.095"

    def test_errors_are_shown_for_each_n_and_family(self, content):
        head = "estimator n = 100 n = 1,000 null one two & <b>"
        assert f"{head} oracle" not in (text := Outline(content).text)  # nobody knows it here
        assert f"{head} ksg 0.095 0.095 0.095 0.095 0.095" in text

    def test_one_n_and_no_intervals_need_no_chart(self):
        text = Outline(in_html(with_references([row(0.5), row(0.6, seed=1)]))).text
        assert "Error against N" not in text and "Coverage" not in text


class TestFiles:
    @pytest.fixture
    def folder(self, tmp_path):
        lines = [json.dumps(asdict(each)) + "\n" for each in ROWS]
        (tmp_path / "rows.jsonl").write_text("".join(lines))
        return tmp_path

    def test_are_written_beside_the_rows(self, folder):
        written = write(folder, picture=folder / "board.png")
        names = ["report.html", "leaderboard.csv", "leaderboard.md", "board.png"]
        assert [path.name for path in written] == names
        assert (folder / "board.png").read_bytes().startswith(b"\x89PNG")
        assert (folder / "report.html").read_text().startswith("<!doctype html>")

    @pytest.mark.slow
    def test_rows_packed_with_gzip_will_do(self, folder):
        import gzip

        plain = folder / "rows.jsonl"
        (folder / "rows.jsonl.gz").write_bytes(gzip.compress(plain.read_bytes()))
        expected = (folder / "leaderboard.md", write(folder), "")[0].read_text()
        plain.unlink()
        write(folder)
        assert (folder / "leaderboard.md").read_text() == expected

    def test_a_picture_of_another_kind_is_refused(self, folder):
        with pytest.raises(OptionError, match=r"must end in one of \.png, \.svg, \.pdf"):
            write(folder, picture="board.gif")
        assert not (folder / "report.html").exists()


TEXTS = ("task", "family", "label", "message", "status", "kind")
COUNTS = ("dim_x", "dim_y", "n", "seed")
NUMBERS = ("truth", "truth_error", "oracle", "value", "low", "high", "confidence")
COSTS = ("seconds", "peak_megabytes")
MISTYPED = [
    *((name, value) for name in TEXTS for value in (1, None, ["a"])),
    *((name, value) for name in COUNTS for value in ("1", 1.5, -1, True, None, 10**400, [])),
    *((name, value) for name in NUMBERS + COSTS for value in ("1", True, 10**400, 1e300, [])),
    *((name, -1.0) for name in COSTS),
    *((name, value) for name in ("options", "versions") for value in (1, "a", [], None)),
    *(("warnings", value) for value in (1, "a", [1], None)),
    ("versions", {"a": 1}),
    ("status", "odd"),
]
MISTYPED = [each for each in MISTYPED if each not in (("kind", None),)]


class TestAForeignFolder:
    """Of which nothing is believed: one line, whatever it holds."""

    def write(self, folder, **fields):
        rows = [row(0.5 + 0.1 * seed, seed=seed, low=0.4, high=0.6, seconds=1.0) for seed in (0, 1)]
        lines = [asdict(each) for each in rows]
        lines[1] |= fields
        (folder / "rows.jsonl").write_text("".join(json.dumps(each) + "\n" for each in lines))

    @pytest.mark.parametrize(("name", "value"), MISTYPED)
    def test_a_field_of_another_kind_is_named(self, tmp_path, name, value):
        self.write(tmp_path, **{name: value})
        with pytest.raises(InputError, match=f"line 2 is not a row.*its `{name}` is") as refusal:
            read(tmp_path)
        assert "\n" not in str(refusal.value) and len(str(refusal.value)) < 300

    @pytest.mark.parametrize(
        "line", ["[" * 100_000, "null", "[]", "1" * 5000, '"a"', "{}", "\x00", "a" * (2**20 + 1)]
    )
    def test_a_line_of_another_kind_is_named(self, tmp_path, line):
        (tmp_path / "rows.jsonl").write_text(line + "\n")
        with pytest.raises(InputError, match=r"line 1 is not a row|line of more than") as refusal:
            read(tmp_path)
        assert "\n" not in str(refusal.value) and len(str(refusal.value)) < 300

    def test_gzip_that_is_damaged_cut_off_or_a_bomb(self, tmp_path, monkeypatch):
        self.write(tmp_path)
        content = (tmp_path / "rows.jsonl").read_bytes()
        (tmp_path / "rows.jsonl").unlink()
        whole = gzip.compress(content)
        broken = bytearray(whole)
        broken[20:40] = bytes(20)
        empty = gzip.compress(bytes(2**26))  # 64 MiB without an end of a line
        many = gzip.compress(content * 1000)
        monkeypatch.setattr(rows, "LARGEST", 100_000)
        for packed, says in (
            (whole[:-12], "cannot be read"),
            (whole[:30], "cannot be read"),
            (bytes(broken), "cannot be read"),
            (content, "cannot be read"),
            (empty, "line of more than"),
            (many, "unpacks to more than"),
        ):
            (tmp_path / "rows.jsonl.gz").write_bytes(packed)
            tracemalloc.start()
            with pytest.raises(InputError, match=says) as refusal:
                read(tmp_path)
            assert tracemalloc.get_traced_memory()[1] < 2**24
            tracemalloc.stop()
            assert "\n" not in str(refusal.value)

    @pytest.mark.parametrize("name", ["rows.jsonl", "rows.jsonl.gz"])
    def test_a_pipe_or_a_directory_is_refused(self, tmp_path, name):
        os.mkfifo(tmp_path / name)
        with pytest.raises(InputError, match="it is a pipe"):
            read(tmp_path)
        (tmp_path / name).unlink()
        (tmp_path / name).mkdir()
        with pytest.raises(InputError, match="it is a directory"):
            read(tmp_path)

    def test_names_are_drawn_as_they_are(self, tmp_path):
        odd = r"_$\frac$ \x1b[2J" + "\x1b[2J\x00\ud800" + "n" * 600
        self.write(tmp_path, label=odd, task=odd, family=odd, kind=odd, n=200)
        files = write(tmp_path, picture=tmp_path / "p.png")
        shown = r"_$\frac$ \x1b[2J\x1b[2J\x00\ud800"
        for path in files[:3]:
            text = path.read_text(encoding="utf-8")
            assert shown in text and not set(text) & set("\x1b\x00")

    @pytest.mark.parametrize(
        "settings",
        [
            "[" * 100_000,
            "[1, null, [], {}]",
            '{"command": 1}',
            '[{"machine": [], "command": [[]], "jobs": {}, "started": null}]',
            '[{"machine": {"system": [], "cores": {}}, "command": "a\\u001b[2J"}]',
            "\ud800",
        ],
    )
    def test_settings_are_shown_as_far_as_they_are_such(self, tmp_path, settings):
        self.write(tmp_path)
        (tmp_path / "settings.json").write_bytes(settings.encode("utf-8", "surrogatepass"))
        page = write(tmp_path)[0].read_text(encoding="utf-8")
        assert "\x1b" not in page


class TestComparing:
    def rows(self, error, **rest):
        """Errors of 0.1 and 0.2 in two cells, the same for every seed but for `error`."""
        return [
            row(1.0 + base + error(seed), task=task, seed=seed, **rest)
            for task, base in (("one", 0.1), ("two", 0.2))
            for seed in range(4)
        ]

    def change(self, old, new):
        return compare(old, new).changes[0]

    def test_by_hand(self):
        old = self.rows(lambda _: 0.0, seconds=1.0)
        new = self.rows(lambda seed: 0.1 if seed % 2 else 0.2, seconds=3.0)
        found = self.change(old, new)
        assert (found.before, found.after) == (pytest.approx(0.15), pytest.approx(0.3))
        assert found.difference == pytest.approx(0.15)
        # Within each cell differences 0.2, 0.1, 0.2, 0.1: variance 1/300, over 4 seeds, 2 cells.
        assert found.noise == pytest.approx(math.sqrt(1 / 300 / 4 / 2))
        assert (found.verdict, found.pairs, found.pace) == ("worse", 8, 3.0)
        assert self.change(new, old).verdict == "better"

    def test_what_noise_explains_is_not_called_worse(self):
        old = self.rows(lambda _: 0.0)
        assert (
            self.change(old, self.rows(lambda s: (-1) ** s * 0.1 + 0.02)).verdict == "within noise"
        )
        assert self.change(old, old).verdict == "unchanged"
        assert self.change(old[:1], self.rows(lambda _: 0.1)[:1]).verdict == "one run only"

    def test_a_value_lost_counts_as_an_answer_of_0(self):
        old = self.rows(lambda _: 0.0)
        new = [row(None, task=each.task, seed=each.seed) for each in old]
        found = self.change(old, new)
        assert found.after == 1.0 and (found.lost, found.gained) == (8, 0)
        assert (self.change(new, old).lost, self.change(new, old).gained) == (0, 8)

    def test_the_worst_comes_first_and_says_where(self):
        old = self.rows(lambda _: 0.0) + [row(1.0, label="b", seed=s) for s in range(4)]
        new = self.rows(lambda s: 0.01 * (s % 2)) + [
            row(1.5 + 0.01 * s, label="b", seed=s) for s in range(4)
        ]
        said = str(compare(old, [*new, row(1.0, label="c")]))
        lines = said.splitlines()
        assert lines[1].split()[:4] == ["b", "0.0000", "→", "0.5150"] and "worse" in lines[1]
        assert lines[2].split()[0] == "a" and "b on one, n = 100" in said
        assert lines[-1] == "Not compared: 0 old rows, 1 new ones."

    def test_nothing_in_common_is_refused(self):
        with pytest.raises(InputError, match="no run in common"):
            compare([row(1.0)], [row(1.0, label="b")])

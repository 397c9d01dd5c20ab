"""Files become named variables, or are refused in one line that says where and what to do."""

import csv
import datetime
import gzip
import io
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from pyarrow import parquet

import mineral
from mineral import tables
from mineral.errors import InputError, MineralError, MissingExtraError
from mineral.samples import paired
from mineral.system import storage

A = np.array([1.5, 2.0, -3.25, np.nan, 1e-300])
B = np.array([3.0, 1.0, 4.0, 1.0, 5.0])
WRITERS = {
    ".csv": lambda path: pd.DataFrame({"a": A, "b": B}).to_csv(path, index=False),
    ".tsv": lambda path: pd.DataFrame({"a": A, "b": B}).to_csv(path, index=False, sep="\t"),
    ".parquet": lambda path: parquet.write_table(pa.table({"a": A, "b": B}), path),
    ".feather": lambda path: pd.DataFrame({"a": A, "b": B}).to_feather(path),
    ".npz": lambda path: np.savez(path, a=A, b=B),
    ".npy": lambda path: np.save(path, np.rec.fromarrays([A, B], names="a,b").view(np.ndarray)),
}


@pytest.fixture
def write(tmp_path):
    """Write a text file, as it is, and return its path."""

    def to(text, name="data.csv"):
        path = tmp_path / name
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    return to


def read(path, x="a", y="b"):
    return tables.read(path, x=[x], y=[y])


def values(table):
    return {name: np.asarray(column).tolist() for name, column in table.items()}


def message(path, x="a", y="b", error=InputError):
    with pytest.raises(error) as caught:
        read(path, x, y)
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize("suffix", WRITERS)
def test_every_kind_of_file_gives_the_same_values_and_stays_as_it_is(tmp_path, suffix):
    path = tmp_path / f"data{suffix.upper()}"
    with path.open("wb") as file:
        WRITERS[suffix](file)
    before = path.read_bytes()
    x, y = read(path)
    np.testing.assert_array_equal(np.asarray(x["a"]), A)
    np.testing.assert_array_equal(np.asarray(y["b"]), B)
    assert (list(x), list(y)) == (["a"], ["b"])
    assert path.read_bytes() == before


@pytest.mark.parametrize("suffix", WRITERS)
def test_a_file_cut_short_or_full_of_noise_is_refused_in_one_line(tmp_path, suffix):
    path = tmp_path / f"data{suffix}"
    with path.open("wb") as file:
        WRITERS[suffix](file)
    whole = path.read_bytes()
    noise = np.random.default_rng(0).bytes(500)
    damaged = [whole[:n] for n in range(0, len(whole) - 1, max(1, len(whole) // 20))]
    for content in [noise, b"", whole[:20] + noise, *damaged]:
        path.write_bytes(content)
        text = refusal(path)
        # A text that lacks its last lines looks whole.
        assert "\n" not in text if text else suffix in (".csv", ".tsv") and content in damaged


def refusal(path):
    try:
        read(path)
    except MineralError as error:
        return str(error)
    return None


# Names


def test_names_are_split_at_commas_unless_the_whole_is_a_column(write):
    path = write('"a,b",a,b,c\n1,2,3,4\n5,6,7,8\n')
    x, y = tables.read(path, x=["a,b"], y=["a , b", "c"])
    assert values(x) == {"a,b": [1, 5]}
    assert values(y) == {"a": [2, 6], "b": [3, 7], "c": [4, 8]}


def test_a_column_may_be_on_both_sides(write):
    x, y = read(write("a\n1\n2\n"), "a", "a")
    assert values(x) == values(y) == {"a": [1, 2]}


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ("bil", ["`x`", "'bil'", "Did you mean 'bill'?", "It has: bill, mass."]),
        ("", ["''", "It has: bill, mass."]),
        ("bill,,mass", ["''"]),
        ("bill,bill", ["'bill' twice"]),
    ],
)
def test_a_column_that_is_not_there_is_named_with_those_that_are(write, asked, words):
    text = message(write("bill,mass\n1,2\n3,4\n"), asked, "mass")
    assert all(word in text for word in words)


def test_of_many_columns_ten_are_listed(write):
    header = ",".join(f"c{i}" for i in range(25))
    assert message(write(f"{header}\n"), "z").endswith("c8, c9 and 15 more.")


@pytest.mark.parametrize("text", ["a,b,a\n1,2,3\n", "a, a ,b\n1,2,3\n"])
def test_two_columns_of_one_name_are_refused(write, text):
    assert "2 columns named 'a'" in message(write(text))


def test_labels_and_values_reach_the_estimate(write):
    rows = "\n".join(f"{i},{i * 7 % 5},{i * 3 % 7}" for i in range(30))
    x, y = tables.read(write(f"a,b,c\n{rows}"), x=["a,c"], y=["b"])
    found = mineral.KSG().estimate(x, y)
    i = np.arange(30)
    same = mineral.KSG().estimate(np.stack([i, i * 3 % 7], axis=1), i * 7 % 5)
    assert found.evidence.x_names == ("a", "c") and found.evidence.y_names == ("b",)
    assert found.value == same.value


# CSV


def test_csv_is_read_as_spreadsheets_write_it(write):
    text = '\ufeff"a",b,note\r\n1, 2.5e1 ,"x, ""y"""\r\n\r\n-3,4,"two\r\nlines"\r\n'
    x, y = read(write(text))
    assert values(x) == {"a": [1, -3]} and values(y) == {"b": [25, 4]}


def test_only_the_chosen_columns_need_be_numbers(write):
    x, _ = read(write("a,b,c\n1,2,x\n3,4,y\n"))
    assert values(x) == {"a": [1, 3]}
    assert "'y' in column 'c', line 3" in message(write("a,b,c\n1,2,5\n3,4,y\n"), "c")


MISSING = ["", "NA", "NaN", "nan", "null", "None", " ", "NULL", "#N/A", "N/A", "n/a", "-", "nil"]


@pytest.mark.parametrize("missing", [*MISSING, "<NA>", "#NA", "NaT"])
def test_missing_values_are_nan(write, missing):
    x, _ = read(write(f"a,b\n1,2\n{missing},4\n"))
    np.testing.assert_array_equal(x["a"], [1, np.nan])
    x, _ = read(write(f"a,b\n{missing},2\n1,4\n"))  # in the first row, too
    np.testing.assert_array_equal(x["a"], [np.nan, 1])
    x, _ = read(write(f"a,b\n{missing},2\nu,4\n{missing},5\n"))
    assert x["a"].tolist() == [None, "u", None]


TEXTS = {
    "semicolons": ("data.csv", "a;b\n1,5;2\n-3,25;4\n"),
    "semicolons and points": ("data.csv", "a;b\n1.5;2\n-3.25;4\n"),
    "semicolons in quotes": ("data.csv", '"a";"b"\n"1,5";"2"\n"-3,25";"4"\n'),
    "tabs in .csv": ("data.csv", "a\tb\n1.5\t2\n-3.25\t4\n"),
    "bars": ("data.csv", "a|b\n1.5|2\n-3.25|4\n"),
    "tabs": ("data.txt", "a\tb\n1,5\t2\n-3,25\t4\n"),
    "spaces": ("data.txt", "a b\n1.5 2\n-3.25 4\n"),
    "aligned spaces": ("data.txt", "     a    b\n   1.5    2  \n -3.25    4\n"),
    "commas in .txt": ("data.txt", "a,b\n1.5,2\n-3.25,4\n"),
    "Windows": ("data.csv", "\ufeffa;b\r\n1,5;2\r\n-3,25;4\r\n"),
    "comments": ("data.csv", '# by "me, today\n#\na,b\n1.5,2\n# a note, with a comma\n-3.25,4\n'),
    "header in a comment": ("data.txt", "# made today\n# a b\n1.5e0 2e0\n-3.25e0 4e0\n"),
    "header after a mark": ("data.tsv", "#a\tb\n1.5\t2\n-3.25\t4\n"),
    "semicolons in text": ("data.csv", "a,b,note\n1.5,2,u;v\n-3.25,4,w;x\n"),
    "commas in text": ("data.csv", "a;b;note\n1,5;2;u, v\n-3,25;4;w\n"),
}


@pytest.mark.parametrize("kind", TEXTS)
@pytest.mark.parametrize("packed", [False, True])
def test_text_is_split_as_people_write_it(tmp_path, kind, packed):
    name, text = TEXTS[kind]
    path = tmp_path / (name + (".gz" if packed else ""))
    path.write_bytes(gzip.compress(text.encode()) if packed else text.encode())
    assert tables.names(path)[:2] == ("a", "b")
    x, y = read(path)
    assert values(x) == {"a": [1.5, -3.25]} and values(y) == {"b": [2, 4]}


def test_standard_input_is_text(monkeypatch):
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"a;b\n1,5;2\n-3,25;4\n")))
    for _ in range(2):  # names and values are read in turn
        assert tables.names(Path("-")) == ("a", "b")
        assert values(read(Path("-"))[0]) == {"a": [1.5, -3.25]}


@pytest.mark.parametrize(
    "content",
    [b"no gzip", gzip.compress(b"a,b\n1,2\n" * 99, mtime=0)[:-9], b""],
    ids=["other", "cut", "empty"],
)
def test_a_damaged_gzip_file_is_refused(write, content):
    assert "`" in message(write(content, "data.csv.gz"))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a,b\n72.1 kg,2\n70 kg,3\n", "'72.1 kg' in column 'a': it is a number with the unit 'kg'"),
        ("a,b\n70,2\n70.5kg,3\n", "'70.5kg' in column 'a', line 3: it is a number with the unit"),
        ("a,b\n12%,2\n13%,3\n", "with the unit '%'"),
        ("a;b\n1,5;2\n1.5;3\n", "both decimal points and decimal commas"),
        ("a;b\n1.234,5;2\n2;3\n", "it is not a number"),
        ('a,b\n"1,5",2\n2,3\n', "a comma separates columns here"),
        ("a\tb\n1,234\t2\n5,678\t3\n", "may be a decimal or a thousands separator"),
        ("a,b\n2020-01-01,2\n1 Feb,3\n", "line 3: it is not a date. Write dates as 2026-01-31"),
        ("a,b\n01/02/2020,2\n2,3\n", "dates as 2026-01-31"),
    ],
)
def test_numbers_that_could_be_misread_are_refused(write, text, words):
    path = write(text, "data.txt" if "\t" in text else "data.csv")
    assert words in message(path)


def test_ordinals_are_categories(write):
    x, _ = read(write("a,b\n4th,1\n5th,2\n"))
    assert x["a"].tolist() == ["4th", "5th"]


@pytest.mark.parametrize(
    "dates",
    [
        ["2020-01-01", "", "2020-01-03"],
        ["2020-01-01 00:00", "NA", "2020-01-03 00:00"],
        ["2020-01-01T01:00:00+01:00", "-", "2020-01-03T00:00:00Z"],
        ["2020-01-01T00:00:00.000000", "#N/A", "2020-01-03T00:00:00.000000"],
    ],
)
def test_dates_are_elapsed_time(write, dates):
    x, y = read(write("a,b\n" + "".join(f"{d},{i}\n" for i, d in enumerate(dates))))
    kept = paired(x, y, missing="drop")
    assert np.ptp(kept.x) == 2 * 86400 and kept.x_names == ("a",)


def test_a_sheet_is_read_like_text(tmp_path):
    openpyxl = pytest.importorskip("openpyxl")
    book, path = openpyxl.Workbook(), tmp_path / "data.xlsx"
    rows = [
        ["a", "b", "soil", "day", None],
        [1.5, 2, "clay", datetime.datetime(2020, 1, 1), None],
        [None, None, None, None, None],
        [None, 4, "#N/A", datetime.datetime(2020, 1, 3), None],
        ["n/a", 5, "sand", None, "a note"],
    ]
    for row in rows:
        book.active.append(row)
    book.create_sheet("other").append(["nothing"])
    book.save(path)
    assert tables.names(path) == ("a", "b", "soil", "day")
    x, y = tables.read(path, x=["a", "soil", "day"], y=["b"])
    np.testing.assert_array_equal(x["a"], [1.5, np.nan, np.nan])
    assert x["soil"].tolist() == ["clay", None, "sand"]
    assert np.ptp(paired(x["day"][:2], [1, 2]).x) == 2 * 86400
    assert values(y) == {"b": [2, 4, 5]}
    path.write_bytes(path.read_bytes()[:1000])
    assert "damaged, cut short, or not an .xlsx file" in message(path)
    (tmp_path / "empty.xlsx").touch()
    assert "damaged" in message(tmp_path / "empty.xlsx")


def test_without_openpyxl_the_extra_is_named(tmp_path, monkeypatch):
    (tmp_path / "data.xlsx").touch()
    monkeypatch.setitem(sys.modules, "openpyxl", None)
    assert "mineral[excel]" in message(tmp_path / "data.xlsx", error=MissingExtraError)


@pytest.mark.slow
def test_text_beside_numbers_reaches_the_estimate(write):
    rng = np.random.default_rng(0)
    which, noise = rng.integers(0, 3, 400), rng.standard_normal((2, 400))
    rows = zip(np.array(["u", "v", "w"])[which], noise[0], 4 * (which == 1) + noise[1], strict=True)
    text = "kind;size;y\n" + "".join(f"{k};{a:.4f};{y:.4f}\n" for k, a, y in rows)
    x, y = tables.read(write(text.replace(".", ",")), x=["kind,size"], y=["y"])
    found = mineral.estimate(x, y)
    assert found.evidence.x_names == ("kind", "size") and found.value > 0.3


@pytest.mark.parametrize("text", ["male", "1_000", "1.2.3", "01/02/2020", "True", "0x10"])
def test_what_is_no_number_is_named_with_its_line_and_the_remedy(write, text):
    found = message(write(f"a,b\n1,2\n\n{text},4\n"))
    assert f"{text!r} in column 'a', line 4" in found and "integer codes" in found


def test_integers_that_float64_would_merge_are_refused(write):
    assert "2^53" in message(write("a,b\n9007199254740993,1\n9007199254740992,2\n"))
    x, _ = read(write("a,b\n9007199254740991,1\n1e300,2\n"))
    assert values(x) == {"a": [2.0**53 - 1, 1e300]}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "is empty"),
        ("\n\n", "is empty"),
        ("a,b\n", "header line only"),
        ("1.5,2\n3,4\n", "not with a header line"),
        ("1.5,,2\n3,4,5\n", "not with a header line"),
        ("a,b\n1,2\n3\n", "1 fields in line 3, and 2 in its header"),
        ("a,b\n1,2,3\n", "3 fields in line 2, and 2 in its header"),
        ('a,b\n1,"2\n3,4\n', "line 3"),
        (b"a,b\n1,\xff\n", "not UTF-8"),
        ("a,b\n1,2\n".encode("utf-16"), "not UTF-8"),
        ("a,b\n1,\x002\n", r"'\x002'"),
        ("a,b\n1," + "9" * 200_000, "field larger than field limit"),
        ("a,b\n1,1\n1," + "z" * 1000, "'zzzzzzzzzzzz...zzzzzzzzzzzzz'"),
        ("a b\n1 2\n", "It has: a b. It seems to be separated by spaces: end its name in .txt"),
        ("a;b;c\n1;2\n", "2 fields in line 2, and 3 in its header"),
    ],
)
def test_a_csv_that_cannot_be_read_says_where_and_why(write, text, words):
    assert words in message(write(text))


def test_the_limit_of_the_csv_module_is_left_as_it_is(write):
    before = csv.field_size_limit()
    read(write("a,b\n1,2\n3,4\n"))
    assert csv.field_size_limit() == before


@pytest.mark.parametrize("index", [True, False])
def test_the_numbers_that_pandas_gives_as_names_are_a_header(tmp_path, index):
    path = tmp_path / "data.csv"
    pd.DataFrame(np.array([[5.0, 6.0], [7.0, 8.0]])).to_csv(path, index=index)
    x, y = read(path, "0", "1")
    assert values(x) == {"0": [5, 7]} and values(y) == {"1": [6, 8]}


# NumPy


def test_columns_of_a_matrix_have_numbers(tmp_path):
    path = tmp_path / "data.npy"
    np.save(path, np.arange(6.0).reshape(2, 3))
    x, y = read(path, "0,2", "1")
    assert values(x) == {"column 0": [0, 3], "column 2": [2, 5]}
    assert values(y) == {"column 1": [1, 4]}
    assert "'3'" in message(path, "3", "0") and "'-1'" in message(path, "-1", "0")


def test_a_vector_is_column_0_and_a_scalar_nothing(tmp_path):
    path = tmp_path / "data.npy"
    np.save(path, np.arange(3.0))
    assert values(read(path, "0", "0")[0]) == {"column 0": [0, 1, 2]}
    np.save(path, 3.0)
    assert "single number" in message(path, "0", "0")


def test_a_key_of_an_archive_is_one_variable_of_any_width(tmp_path):
    path, rng = tmp_path / "data.npz", np.random.default_rng(0)
    images, codes = rng.normal(size=(80, 2, 3)), rng.normal(size=(80, 2))
    np.savez(path, images=images, codes=codes)
    x, y = read(path, "images", "codes")
    found = mineral.Gaussian().estimate(x, y)
    assert found.value == mineral.Gaussian().estimate(images, codes).value
    assert found.evidence.y_names == ("codes0", "codes1")


def test_columns_of_different_lengths_are_refused(tmp_path):
    path = tmp_path / "data.npz"
    np.savez(path, a=A, b=B, c=B[:-1])
    x, y = read(path, "a,c", "b")
    with pytest.raises(InputError, match="different lengths: 5 rows of 'a', 4 of 'c'"):
        mineral.estimate(x, y, missing="drop")


def test_objects_are_never_unpickled(tmp_path):
    objects = np.array([Spy(), Spy()], dtype=object)
    np.save(tmp_path / "data.npy", objects)
    np.savez(tmp_path / "data.npz", a=objects, b=objects)
    assert "Python objects" in message(tmp_path / "data.npy", "0", "0")
    assert "Python objects" in message(tmp_path / "data.npz")


@pytest.mark.parametrize("suffix", [".npz", ".xlsx"])
def test_an_archive_that_unpacks_to_a_bomb_is_refused_before_it_is_unpacked(
    tmp_path, monkeypatch, suffix
):
    path = tmp_path / f"data{suffix}"
    frame = pd.DataFrame({"a": np.zeros(10_000), "b": np.zeros(10_000)})
    if suffix == ".npz":
        np.savez_compressed(path, **frame)
    else:
        pytest.importorskip("openpyxl")
        frame.to_excel(path, index=False)
    assert values(read(path)[0]) == {"a": [0.0] * 10_000}
    monkeypatch.setattr(storage, "LARGEST_MEMBER", 1000)
    monkeypatch.setattr(storage, "LARGEST_RATIO", 5)
    monkeypatch.setattr("zipfile.ZipFile.open", lambda *_, **__: pytest.fail("unpacked"))
    assert "bytes, 5 times its packed size or more" in message(path)


class Spy:
    """Tells when it is unpickled."""

    def __reduce__(self):
        return (pytest.fail, ("unpickled",))


def test_array_and_archive_are_not_mistaken_for_each_other(tmp_path):
    np.savez(tmp_path / "a.npz", a=A)
    np.save(tmp_path / "b.npy", A)
    (tmp_path / "a.npz").rename(tmp_path / "a.npy")
    (tmp_path / "b.npy").rename(tmp_path / "b.npz")
    assert "end in .npz" in message(tmp_path / "a.npy")
    assert "end in .npy" in message(tmp_path / "b.npz")


# Arrow


@pytest.mark.parametrize("suffix", [".parquet", ".feather"])
def test_only_the_chosen_columns_are_read(tmp_path, suffix):
    table = pa.table({"a.b": [1, 2, None], "a": [1.0, 2.0, 3.0], "text": ["u", "v", "w"]})
    path = tmp_path / f"data{suffix}"
    (parquet.write_table if suffix == ".parquet" else write_feather)(table, path)
    x, y = read(path, "a.b", "a")
    assert (list(x), list(y)) == (["a.b"], ["a"])
    np.testing.assert_array_equal(np.asarray(x["a.b"]), [1, 2, np.nan])
    with pytest.raises(TypeError, match=r"`x\['text'\]` is of type String, not numbers"):
        mineral.estimate(*read(path, "text", "a"), estimator="ksg")


def write_feather(table, path):
    with pa.OSFile(str(path), "wb") as file, pa.ipc.new_file(file, table.schema) as writer:
        writer.write_table(table)


@pytest.mark.parametrize("kind", ["Parquet", "Feather"])
def test_without_pyarrow_the_extra_is_named(tmp_path, monkeypatch, kind):
    path = tmp_path / f"data.{kind.lower()}"
    path.touch()
    for name in [n for n in sys.modules if n.split(".")[0] == "pyarrow"]:
        monkeypatch.setitem(sys.modules, name, None)
    assert f"Reading {kind}" in message(path, error=MissingExtraError)


# Paths


def test_paths_that_cannot_be_read_say_what_can(tmp_path):
    kinds = ".csv, .tsv, .txt, .xlsx, .parquet, .feather, .npy, .npz, text also as .gz"
    assert f"is a directory: pass a file ({kinds})" in message(tmp_path)
    assert "does not exist" in message(tmp_path / "data.csv")
    for name in ("data.xls", "data", "data.gz", "data.npy.gz"):
        (tmp_path / name).touch()
        assert kinds in message(tmp_path / name)

"""What may come in, what may not, and how it is said."""

import collections
import datetime
import decimal
import fractions
import re
import warnings
from functools import partial

import narwhals as nw
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
import scipy.sparse
import torch
from cases import check_all
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import mineral
from mineral.errors import InputError, InputTypeError, MineralError, OptionError
from mineral.samples import new_pairs, paired

N = 20
G = np.random.default_rng(0).standard_normal(N)
OTHER = np.random.default_rng(1).standard_normal(N)
DOORS = {
    "estimate": mineral.estimate,
    "auto": mineral.Auto().estimate,
    "gaussian": mineral.Gaussian().estimate,
    "copula": mineral.GaussianCopula().estimate,
    "ksg": mineral.KSG().estimate,
}

TAKING_LABELS = ("estimate", "auto")
LABELS = (
    "text",
    "text in pandas",
    "text in polars",
    "text in Arrow",
    "text in a dict",
    "masked text",
    "categories",
)

MISSING = "missing='drop'"
CODES = "encode categories as integer codes and dates as elapsed time"
CONTAINER = "pass an array, a list, a tensor or a frame"
DAYS = [datetime.datetime(2026, 1, day + 1) for day in range(N)]
EYE = np.eye(N)


def quietly(make):
    """Libraries warn about some of what is built here, at the first time only."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return make()


BAD = {
    # Missing and infinite values.
    "NaN": (np.r_[G[:3], np.nan, G[4:]], InputError, "first at row 3"),
    "NaN in float32": (np.r_[np.nan, G[1:]].astype("f4"), InputError, MISSING),
    "NaN in float16": (np.r_[np.nan, G[1:]].astype("f2"), InputError, MISSING),
    "NaN tensor": (torch.tensor([np.nan, *G[1:]]), InputError, MISSING),
    "NaN in one column": (np.c_[G, [*G[1:], np.nan]], InputError, "in 1 of 20 rows"),
    "all NaN": (np.full(N, np.nan), InputError, "in 20 of 20 rows"),
    "None in a list": ([*G[:5], None, *G[6:]], InputError, "first at row 5"),
    "None in nested lists": ([[None, 1.0], *([v, v] for v in G[1:])], InputError, MISSING),
    "None and True": (pd.Series([None, *[True, False] * 9, True]), InputError, MISSING),
    "pandas NA in a list": ([pd.NA, *G[1:]], InputError, MISSING),
    "pandas NaT in a list": ([pd.NaT, *G[1:]], InputError, MISSING),
    "pandas NA in objects": (pd.Series([pd.NA, *G[1:]], dtype=object), InputError, MISSING),
    "pandas NA in Int64": (pd.Series([pd.NA, *range(N - 1)], dtype="Int64"), InputError, MISSING),
    "pandas NA in Float64": (pd.Series([pd.NA, *G[1:]], dtype="Float64"), InputError, MISSING),
    "pandas NA in boolean": (
        pd.Series([pd.NA, *[True, False] * 9, True], dtype="boolean"),
        InputError,
        MISSING,
    ),
    "null in polars": (pl.Series([None, *range(N - 1)]), InputError, MISSING),
    "null in an Arrow array": (pa.array([None, *G[1:]]), InputError, MISSING),
    "null in an Arrow table": (pa.table({"a": [None, *range(N - 1)]}), InputError, MISSING),
    "nothing but null": (pl.Series([None] * N), InputError, "in 20 of 20 rows"),
    "masked": (np.ma.array(G, mask=[True] + [False] * (N - 1)), InputError, MISSING),
    "masked integers": (np.ma.array(range(N), mask=[1] + [0] * (N - 1)), InputError, MISSING),
    "masked objects": (
        np.ma.array(G.astype(object), mask=[1] + [0] * (N - 1)),
        InputError,
        MISSING,
    ),
    "masked in a list": ([np.ma.masked, *G[1:]], InputError, MISSING),
    "infinity": (np.r_[G[:2], np.inf, G[3:]], InputError, "infinite value in 1 of 20 rows"),
    "minus infinity": (np.r_[-np.inf, G[1:]], InputError, "replace it by a number"),
    "infinity in a tensor": (torch.tensor([np.inf, *G[1:]]).half(), InputError, "infinite"),
    "beyond float64": (G.astype(np.longdouble) * np.longdouble("1e4000"), InputError, "infinite"),
    # Shapes.
    "empty list": ([], InputError, "pass at least 2 rows"),
    "empty array": (np.empty((0, 3)), InputError, "pass at least 2 rows"),
    "empty column": (pd.DataFrame({"a": []}), InputError, "pass at least 2 rows"),
    "no columns in an array": (np.empty((N, 0)), InputError, "pass at least one"),
    "no columns in pandas": (pd.DataFrame(index=range(N)), InputError, "select at least one"),
    "no columns in polars": (pl.DataFrame(), InputError, "select at least one"),
    "no columns in a dict": ({}, InputError, "select at least one"),
    "too few rows": (G[:-1], InputError, "got {got}"),
    "a number": (3.0, InputError, "pass one row for each sample"),
    "a NumPy number": (np.float64(3), InputError, "pass one row for each sample"),
    "a tensor of no axes": (torch.tensor(3.0), InputError, "pass one row for each sample"),
    "one truth": (True, InputError, "pass one row for each sample"),
    "constant": (np.ones(N), InputError, "Pass a variable that varies"),
    "constant in all columns": (np.ones((N, 3)), InputError, "Pass a variable that varies"),
    "constant images": (torch.ones(N, 2, 2), InputError, "Pass a variable that varies"),
    # Integers that float64 would confuse.
    "integers": (np.arange(N) + 2**60, InputError, "subtract an offset"),
    "negative integers": (-(np.arange(N) + 2**60), InputError, "subtract an offset"),
    "unsigned integers": (np.arange(N, dtype="u8") + np.uint64(2**63), InputError, "2^53"),
    "integers in a list": ([2**60 + i for i in range(N)], InputError, "2^53"),
    "integers of Python's": ([10**30 + i for i in range(N)], InputError, "2^53"),
    "integers of any size": ([10**400 + i for i in range(N)], InputError, "subtract an offset"),
    "integers in a tensor": (torch.arange(N) + 2**60, InputError, "2^53"),
    "integers in pandas": (pd.Series(np.arange(N) + 2**60), InputError, "2^53"),
    "integers in polars": (pl.Series(np.arange(N) + 2**60), InputError, "2^53"),
    # Not real numbers.
    "None": (None, InputTypeError, CONTAINER),
    "complex": (G + 1j, InputTypeError, "as two columns"),
    "complex tensor": (torch.tensor(G) + 1j, InputTypeError, "as two columns"),
    "complex list": ([1j, *G[1:]], InputTypeError, "as two columns"),
    "complex objects": (np.array([1j, *G[1:]], dtype=object), InputTypeError, "a complex among"),
    "masked complex": (np.ma.array(G + 1j), InputTypeError, "as two columns"),
    "ragged": ([[1, 2], [3]] * 10, InputTypeError, "the same number of numbers"),
    "ragged arrays": ([np.ones(2), np.ones(3)] * 10, InputTypeError, "the same number"),
    "ragged tensors": ([torch.ones(2), torch.ones(3)] * 10, InputTypeError, "the same number"),
    "text and numbers": ([1, "a"] * 10, InputTypeError, CODES),
    "text": (["a", "b"] * 10, InputTypeError, CODES),
    "digits as text": (["1", "2"] * 10, InputTypeError, CODES),
    "a word": ("hello", InputTypeError, CODES),
    "bytes": ([b"1", b"2"] * 10, InputTypeError, CODES),
    "masked text": (np.ma.array(["a", "b"] * 10), InputTypeError, CODES),
    "text in pandas": (pd.DataFrame({"a": ["u", "v"] * 10}), InputTypeError, "column 'a'"),
    "text as objects": (pd.Series(["u", 1.0] * 10, dtype=object), InputTypeError, CODES),
    "text in polars": (pl.DataFrame({"a": ["u", "v"] * 10}), InputTypeError, "column 'a'"),
    "text in Arrow": (pa.array(["u", "v"] * 10), InputTypeError, "a str among its numbers"),
    "categories": (pd.Series(list("ab") * 10, dtype="category"), InputTypeError, CODES),
    "objects": ([object() for _ in range(N)], InputTypeError, CODES),
    "dicts in a list": ([{"a": 1}] * N, InputTypeError, "a dict among its numbers"),
    "lists in a column": (pl.Series([[1, 2]] * N), InputTypeError, CODES),
    "records": (np.zeros(N, dtype=[("a", "f8")]), InputTypeError, CODES),
    "missing dates": (pd.Series([pd.NaT] * N), InputError, "missing value"),
    "times of the day": (pl.Series([datetime.time(i) for i in range(N)]), InputTypeError, CODES),
    "sparse matrix": (scipy.sparse.csr_matrix(EYE), InputTypeError, ".toarray()`"),
    "sparse array": (scipy.sparse.coo_array(EYE), InputTypeError, ".toarray()`"),
    "sparse tensor": (torch.eye(N).to_sparse(), InputTypeError, ".to_dense()`"),
    "sparse rows": (quietly(torch.eye(N).to_sparse_csr), InputTypeError, ".to_dense()`"),
    "tensor without values": (torch.empty(N, device="meta"), InputTypeError, "cannot be read"),
    "quantized tensor": (
        quietly(lambda: torch.quantize_per_tensor(torch.tensor(G).float(), 0.1, 0, torch.qint8)),
        InputTypeError,
        "cannot be read",
    ),
    "a set": (set(G), InputTypeError, CONTAINER),
    "a generator": ((v for v in G), InputTypeError, CONTAINER),
    "an iterator": (iter(G), InputTypeError, CONTAINER),
    "a map": (map(float, G), InputTypeError, CONTAINER),
    "a function": (lambda: G, InputTypeError, CONTAINER),
    # Dicts of columns.
    "columns of different lengths": ({"a": G, "b": G[:3]}, InputError, "different lengths"),
    "text in a dict": (
        {"a": G, "b": ["u", "v"] * 10},
        InputTypeError,
        "['b']` holds a str among its numbers",
    ),
    "a number in a dict": ({"a": 3.0}, InputError, "['a']` is a single number"),
    # Names.
    "one name twice in pandas": (
        pd.DataFrame(np.c_[G, G], columns=["a", "a"]),
        InputError,
        "rename one",
    ),
    "one name twice in Arrow": (pa.table([G, G], names=["a", "a"]), InputError, "rename one"),
}


@pytest.mark.parametrize("side", ["x", "y"])
def test_bad_samples_are_refused_with_the_argument_and_the_remedy(side):
    check_all(partial(refused_on, side), [*BAD])


def refused_on(side, case):
    value, error, remedy = BAD[case]
    remedy = remedy.format(got="19 rows of `x` and 20" if side == "x" else "20 rows of `x` and 19")
    for name, door in DOORS.items():
        if case in LABELS and name in TAKING_LABELS:
            continue
        with pytest.raises(error) as refusal:
            door(*((value, OTHER) if side == "x" else (OTHER, value)))
        message = str(refusal.value)
        assert isinstance(refusal.value, MineralError)
        assert re.search(rf"`{side}[`\[]", message) and remedy in message and "\n" not in message
        assert message.endswith(".") and len(message) < 300
        assert refusal.value.__cause__ is None  # one error, not a chain of them


def test_errors_are_those_that_python_users_catch():
    assert issubclass(InputError, ValueError) and issubclass(OptionError, ValueError)
    assert issubclass(InputTypeError, TypeError)


@pytest.mark.parametrize("rows", [G[:1], G[None, :3], [[1.0]], pl.Series([1.0])])
def test_one_row_is_no_sample(rows):
    for door in DOORS.values():
        with pytest.raises(InputError, match=r"`x` needs at least 2 rows .*, got 1"):
            door(rows, rows)


def test_what_is_wrong_with_x_is_said_before_what_is_wrong_with_y():
    with pytest.raises(InputError, match=r"^`x` has a missing"):
        paired(np.r_[np.nan, G[1:]], np.r_[np.nan, np.inf, OTHER[2:]])


# Sixteenths within ±4: exact in every floating-point type, bfloat16 included.
EXACT = np.clip(np.round(16 * np.random.default_rng(2).standard_normal((50, 2))), -64, 64) / 16
Y = EXACT[:, :1] + np.random.default_rng(3).standard_normal((50, 1))


def memmap(folder):
    np.save(folder / "x.npy", EXACT)
    return np.load(folder / "x.npy", mmap_mode="r")


def read_only():
    array = EXACT.copy()
    array.flags.writeable = False
    return array


def padded():
    return np.repeat(np.repeat(EXACT, 2, axis=0), 3, axis=1)[::2, ::3]


def negated():
    """A view whose values torch negates only when it computes with them."""
    view = torch.tensor(EXACT * -1j).conj().imag
    assert view.is_neg()
    return view


FORMS = {
    "float64": lambda _: EXACT,
    "float32": lambda _: EXACT.astype(np.float32),
    "float16": lambda _: EXACT.astype(np.float16),
    "long double": lambda _: EXACT.astype(np.longdouble),
    "other byte order": lambda _: EXACT.astype(">f8"),
    "Fortran order": lambda _: np.asfortranarray(EXACT),
    "negative strides": lambda _: EXACT[::-1, ::-1].copy()[::-1, ::-1],
    "non-contiguous": lambda _: padded(),
    "read-only": lambda _: read_only(),
    "memory-mapped": memmap,
    "matrix": lambda _: quietly(lambda: np.matrix(EXACT)),
    "masked nowhere": lambda _: np.ma.array(EXACT),
    "plain numbers as objects": lambda _: EXACT.astype(object),
    "fractions": lambda _: [[fractions.Fraction(v) for v in row] for row in EXACT],
    "decimals": lambda _: [[decimal.Decimal(v) for v in row] for row in EXACT],
    "tensor": lambda _: torch.tensor(EXACT),
    "tensor with gradient": lambda _: torch.tensor(EXACT, requires_grad=True),
    "tensor with history": lambda _: torch.tensor(EXACT, requires_grad=True) * 1,
    "bfloat16": lambda _: torch.tensor(EXACT).bfloat16(),
    "half": lambda _: torch.tensor(EXACT).half(),
    "transposed tensor": lambda _: torch.tensor(EXACT.T.copy()).T,
    "negated view": lambda _: negated(),
    "list of tensors": lambda _: [torch.tensor(row) for row in EXACT],
    "nested lists": lambda _: EXACT.tolist(),
    "nested tuples": lambda _: tuple(map(tuple, EXACT.tolist())),
    "list of arrays": lambda _: list(EXACT),
    "deque": lambda _: collections.deque(EXACT.tolist()),
    "pandas": lambda _: pd.DataFrame(EXACT, columns=["a", "b"]),
    "pandas without names": lambda _: pd.DataFrame(EXACT),
    "pandas with levels": lambda _: pd.DataFrame(
        EXACT, columns=pd.MultiIndex.from_tuples([("a", 1), ("a", 2)])
    ),
    "pandas with an odd index": lambda _: pd.DataFrame(EXACT, index=[7] * 50),
    "pandas Float64": lambda _: pd.DataFrame(EXACT).astype("Float64"),
    "pandas Float32": lambda _: pd.DataFrame(EXACT).astype("Float32"),
    "pandas on Arrow": lambda _: pd.DataFrame(EXACT).astype("double[pyarrow]"),
    "pandas objects": lambda _: pd.DataFrame(EXACT).astype(object),
    "pandas sparse": lambda _: pd.DataFrame(EXACT).astype(pd.SparseDtype(float)),
    "polars": lambda _: pl.DataFrame(EXACT, schema=["a", "b"]),
    "polars float32": lambda _: pl.DataFrame(EXACT, schema=["a", "b"]).cast(pl.Float32),
    "polars lazy": lambda _: pl.LazyFrame(EXACT, schema=["a", "b"]),
    "Arrow table": lambda _: pa.table({"a": EXACT[:, 0], "b": EXACT[:, 1]}),
    "narwhals": lambda _: nw.from_native(pl.DataFrame(EXACT, schema=["a", "b"])),
    "dict of columns": lambda _: {"a": EXACT[:, 0].tolist(), "b": torch.tensor(EXACT[:, 1])},
}
COLUMNS = {
    "array": lambda c: c,
    "column": lambda c: c[:, None],
    "list": lambda c: c.tolist(),
    "tuple": lambda c: tuple(c.tolist()),
    "tensor": lambda c: torch.tensor(c),
    "list of numbers as tensors": lambda c: [torch.tensor(v) for v in c],
    "pandas": lambda c: pd.Series(c),
    "pandas index": lambda c: pd.Index(c),
    "pandas Float64": lambda c: pd.Series(c, dtype="Float64"),
    "polars": lambda c: pl.Series(c),
    "Arrow array": lambda c: pa.array(c),
    "Arrow chunks": lambda c: pa.chunked_array([c[:20], c[20:]]),
    "memoryview": lambda c: memoryview(c.copy()),
    "one-column frame": lambda c: pl.DataFrame({"a": c}),
}
INTEGERS = {
    "int64": lambda c: c.astype(np.int64),
    "int8": lambda c: c.astype(np.int8),
    "int32 tensor": lambda c: torch.tensor(c).int(),
    "list": lambda c: [int(v) for v in c],
    "list with floats": lambda c: [int(v) if i % 2 else float(v) for i, v in enumerate(c)],
    "pandas Int64": lambda c: pd.Series(c).astype("Int64"),
    "pandas on Arrow": lambda c: pd.Series(c).astype("int64[pyarrow]"),
    "polars": lambda c: pl.Series(c).cast(pl.Int16),
    "Arrow": lambda c: pa.array(c.astype(np.int32)),
}
TRUTHS = {
    "bool": lambda c: c > 0,
    "tensor": lambda c: torch.tensor(c > 0),
    "list": lambda c: (c > 0).tolist(),
    "pandas": lambda c: pd.Series(c > 0),
    "pandas boolean": lambda c: pd.Series(c > 0).astype("boolean"),
    "polars": lambda c: pl.Series(c > 0),
}


def assert_same(form, plain):
    """Bit for bit the same matrix behind, and the same estimate."""
    assert np.array_equal(paired(form, Y).x, plain.reshape(50, -1))
    assert np.array_equal(paired(Y, form).y, plain.reshape(50, -1))
    for name in ("gaussian", "copula"):
        assert DOORS[name](form, Y).value == DOORS[name](plain, Y).value


def test_every_form_of_the_same_matrix_gives_the_same_estimate(tmp_path):
    check_all(lambda form: assert_same(form(tmp_path), EXACT), FORMS)


def test_every_form_of_the_same_column_gives_the_same_estimate():
    check_all(lambda form: assert_same(form(EXACT[:, 0].copy()), EXACT[:, 0]), COLUMNS)


def test_integers_are_the_numbers_they_are():
    whole = 16 * EXACT[:, 0]
    check_all(lambda form: assert_same(form(whole), whole), INTEGERS)


def test_truths_are_ones_and_zeros():
    truths = (EXACT[:, 0] > 0).astype(float)
    check_all(lambda form: assert_same(form(EXACT[:, 0]), truths), TRUTHS)


@pytest.mark.parametrize("of", [np.asarray, torch.tensor, list])
def test_images_are_their_flattening(of):
    images = np.random.default_rng(4).standard_normal((50, 2, 3))
    assert_same(of(images), images.reshape(50, 6))


@given(
    hnp.arrays(
        np.float64,
        st.tuples(st.integers(2, 8), st.integers(1, 3)),
        elements=st.floats(allow_nan=False, allow_infinity=False),
    )
)
def test_any_finite_matrix_comes_through_unchanged_or_is_constant(x):
    if (x == x[0]).all():
        with pytest.raises(InputError, match="`x` is constant"):
            paired(x, np.arange(len(x)))
    else:
        assert np.array_equal(paired(x, np.arange(len(x))).x, x)


def test_the_gate_makes_copies():
    x = G.copy()
    kept = paired(x, x)
    x[:] = 0
    assert np.array_equal(kept.x[:, 0], G) and np.array_equal(kept.y[:, 0], G)


@pytest.mark.parametrize(
    ("x", "names"),
    [
        (EXACT[:, 0], ("x",)),
        (EXACT, ("x0", "x1")),
        (pd.DataFrame(EXACT, columns=["height", "mass"]), ("height", "mass")),
        (pd.DataFrame(EXACT), ("0", "1")),
        (pd.Series(EXACT[:, 0], name="mass"), ("mass",)),
        (pd.Series(EXACT[:, 0]), ("x",)),
        (pl.DataFrame(EXACT, schema=["height", "mass"]), ("height", "mass")),
        (pl.LazyFrame(EXACT, schema=["height", "mass"]), ("height", "mass")),
        (pl.Series("mass", EXACT[:, 0]), ("mass",)),
        (pa.table({"height": EXACT[:, 0], "mass": EXACT[:, 1]}), ("height", "mass")),
        ({"height": EXACT[:, 0], "mass": EXACT[:, 1]}, ("height", "mass")),
        ({"spot": EXACT, 7: EXACT[:, 0]}, ("spot0", "spot1", "7")),
    ],
)
def test_names_of_columns_are_carried_to_the_estimate(x, names):
    assert mineral.estimate(x, Y, estimator="gaussian").evidence.x_names == names
    if names[0][0] != "x":
        assert mineral.estimate(Y, x, estimator="gaussian").evidence.y_names == names


HOLES_X = np.where(np.arange(50) % 10 == 3, np.nan, EXACT[:, 0])
HOLES_Y = np.where(np.arange(50) % 25 == 4, np.nan, Y[:, 0])
WHOLE = ~(np.isnan(HOLES_X) | np.isnan(HOLES_Y))


@pytest.mark.parametrize("of", [np.asarray, torch.tensor, pd.Series, pl.Series, list])
def test_dropping_leaves_the_complete_pairs_and_says_so(of):
    found = mineral.estimate(of(HOLES_X), of(HOLES_Y), missing="drop")
    assert found.value == mineral.estimate(HOLES_X[WHOLE], HOLES_Y[WHOLE]).value
    assert found.n == WHOLE.sum() == 43
    caution = next(w for w in found.warnings if w.code == "dropped-rows")
    assert caution.message.startswith("7 of 50 rows had a missing value")


def test_dropping_sees_every_kind_of_hole():
    holes = [
        [*EXACT[:-1, 0], None],
        [*EXACT[:-1, 0], pd.NA],
        np.ma.array(EXACT[:, 0], mask=[False] * 49 + [True]),
        pd.Series([*(16 * EXACT[:-1, 0]).astype(int), pd.NA], dtype="Int64"),
        pl.Series([*EXACT[:-1, 0], None]),
        pa.array([*EXACT[:-1, 0], None]),
    ]
    for x in holes:
        assert paired(x, Y, missing="drop").x.shape == (49, 1)


def test_dropping_nothing_cautions_of_nothing():
    assert paired(EXACT, Y, missing="drop").cautions == ()


def test_dropping_does_not_let_infinity_or_large_integers_through():
    with pytest.raises(InputError, match="infinite"):
        paired(np.r_[np.nan, np.inf, G[2:]], OTHER, missing="drop")
    large = pd.Series([pd.NA, *(2**60 + i for i in range(N - 1))], dtype="Int64")
    with pytest.raises(InputError, match=r"2\^53"):
        paired(large, OTHER, missing="drop")


def test_dropping_too_much_is_refused():
    with pytest.raises(InputError, match=r"needs at least 2 rows .*, got 0"):
        paired(np.full(N, np.nan), OTHER, missing="drop")
    with pytest.raises(InputError, match="`x` is constant"):
        paired([1.0, 1.0, None], [1.0, 2.0, 3.0], missing="drop")


def test_constant_columns_beside_others_are_named_and_let_pass():
    frame = pd.DataFrame({"mass": G, "planet": 3.0})
    (caution,) = paired(frame, OTHER).cautions
    assert caution.code == "constant-columns" and "planet" in caution.message
    assert "mass" not in caution.message
    # The black corners of images are no news.
    images = np.zeros((N, 3, 3))
    images[:, 1, 1] = G
    assert paired(images, OTHER).cautions == ()


@pytest.mark.parametrize("scale_x", [1e300, 1.0, 1e-300])
@pytest.mark.parametrize("scale_y", [1e300, 1e-300])
def test_huge_and_tiny_scales_give_finite_results(cheap_estimator, scale_x, scale_y):
    x = EXACT[:, :1]
    found = cheap_estimator.estimate(scale_x * x, scale_y * Y)
    assert np.isfinite([found.value, found.stderr, *found.interval]).all()
    if isinstance(cheap_estimator, (mineral.Gaussian, mineral.GaussianCopula)):
        assert found.value == pytest.approx(cheap_estimator.estimate(x, Y).value, rel=1e-9)


@pytest.mark.usefixtures("as_users_run_it")
def test_unknown_ways_with_missing_values_are_refused():
    for door in DOORS.values():
        with pytest.raises(OptionError, match="`missing` must be 'raise' or 'drop', got 'ignore'"):
            door(G, OTHER, missing="ignore")


def test_new_pairs_may_be_few_and_constant_but_must_fit():
    x, y = new_pairs([[1.0, 2.0]], [3.0], 2, 1)
    assert np.array_equal(x, [[1.0, 2.0]]) and np.array_equal(y, [[3.0]])
    refusals = [
        (([[1.0, 2.0]], [3.0], 3, 1), "`x` must have the 3 coordinates .*, got 2"),
        (([1.0], [[3.0, 4.0]], 1, 1), "`y` must have the 1 coordinates .*, got 2"),
        (([1.0, np.nan], [3.0, 4.0], 1, 1), "`x` has values that are not finite"),
        (([1.0, 2.0], [3.0, np.inf], 1, 1), "`y` has values that are not finite"),
        (([1.0, 2.0], [3.0], 1, 1), "got 2 rows of `x` and 1 of `y`"),
    ]
    for arguments, message in refusals:
        with pytest.raises(InputError, match=message):
            new_pairs(*arguments)

"""What users pass by mistake: 141 kinds of x beside a good y, each made anew when asked for."""

import array
import datetime
import decimal
import fractions
import io
from collections import namedtuple
from types import SimpleNamespace

import numpy as np
import pandas as pd
import polars as pl
import scipy.sparse
import torch

N = 40
RNG = np.random.default_rng(0)
GOOD = RNG.standard_normal((N, 2))
Y = GOOD[:, :1] + RNG.standard_normal((N, 1))
ONE = GOOD[:, 0]
WORDS = [("red", "green", "blue")[i % 3] for i in range(N)]
Point = namedtuple("Point", "a b")


def put(value, *, at=3, of=GOOD):
    """The good samples as numbers, but for one."""
    changed = of.copy()
    changed[at] = value
    return changed


def objects(value, *, at=3):
    changed = ONE.astype(object)
    changed[at] = value
    return changed


def masked(value=1e6):
    mask = np.zeros(GOOD.shape, bool)
    mask[3] = True
    return np.ma.array(put(value), mask=mask)


def named(kind):
    return GOOD.astype(kind)


VALUES = {
    "nan": np.nan,
    "infinity": np.inf,
    "minus infinity": -np.inf,
    "huge": 1e308,
    "minus huge": -1e308,
    "tiny": 5e-324,
    "large": 1e200,
}
ODD = {
    "None": None,
    "text": "three",
    "number as text": "3.5",
    "empty text": "",
    "bytes": b"3",
    "list": [1, 2],
    "dict": {},
    "complex": 1 + 2j,
    "bool": True,
    "int of 400 digits": 10**400,
    "Decimal": decimal.Decimal("1.5"),
    "Decimal NaN": decimal.Decimal("NaN"),
    "Fraction": fractions.Fraction(1, 3),
    "date": datetime.date(2020, 1, 1),
    "timedelta": datetime.timedelta(1),
    "pd.NA": pd.NA,
    "pd.NaT": pd.NaT,
    "array": np.zeros(2),
    "tensor": torch.zeros(()),
    "function": len,
    "class": int,
}
DTYPES = {
    "bool": lambda: GOOD > 0,
    "int8": lambda: named("int8"),
    "uint8": lambda: np.abs(10 * GOOD).astype("uint8"),
    "uint64 large": lambda: (np.abs(GOOD) * 1e18).astype("uint64"),
    "int64 large": lambda: (GOOD * 1e18).astype("int64"),
    "float16": lambda: named("float16"),
    "float16 infinite": lambda: put(np.inf).astype("float16"),
    "longdouble": lambda: named("longdouble"),
    "longdouble beyond": lambda: named("longdouble") * np.longdouble("1e4000"),
    "big-endian": lambda: named(">f8"),
    "complex": lambda: GOOD + 1j,
    "complex without imaginary part": lambda: GOOD + 0j,
    "datetime": lambda: pd.date_range("2020", periods=N).to_numpy(),
    "timedelta": lambda: np.arange(N).astype("timedelta64[s]"),
    "texts": lambda: np.array(WORDS),
    "numbers as texts": lambda: ONE.astype(str),
    "bytes": lambda: np.array(WORDS).astype("S"),
    "void": lambda: np.zeros(N, "V8"),
    "record": lambda: np.zeros(N, [("a", "f8"), ("b", "f8")]),
    "recarray": lambda: np.rec.fromarrays([ONE, ONE], names="a,b"),
    "object": lambda: GOOD.astype(object),
    "bfloat16": lambda: torch.tensor(GOOD, dtype=torch.bfloat16),
    "float32 tensor": lambda: torch.tensor(GOOD, dtype=torch.float32),
    "int tensor": lambda: torch.arange(2 * N).reshape(N, 2),
    "bool tensor": lambda: torch.tensor(GOOD > 0),
    "complex tensor": lambda: torch.tensor(GOOD + 1j),
    "tensor with gradient": lambda: torch.tensor(GOOD, requires_grad=True),
    "sparse tensor": lambda: torch.tensor(GOOD).to_sparse(),
    "meta tensor": lambda: torch.empty(N, 2, device="meta"),
    "tensor with nan": lambda: torch.tensor(put(np.nan)),
}
SHAPES = {
    "scalar": lambda: 3.0,
    "0-d": lambda: np.array(3.0),
    "empty": lambda: np.zeros(0),
    "no rows": lambda: np.zeros((0, 2)),
    "no columns": lambda: np.zeros((N, 0)),
    "one row": lambda: GOOD[:1],
    "two rows": lambda: GOOD[:2],
    "a row too few": lambda: GOOD[1:],
    "a row too many": lambda: np.vstack([GOOD, GOOD[:1]]),
    "transposed": lambda: GOOD.T,
    "row vector": lambda: GOOD[:, 0][None],
    "images": lambda: np.stack([GOOD, GOOD], axis=2),
    "7 axes": lambda: GOOD.reshape(N, 2, 1, 1, 1, 1, 1),
    "no pixels": lambda: np.zeros((N, 0, 3)),
    "wider than long": lambda: np.tile(GOOD, 30),
    "constant": lambda: np.ones((N, 2)),
    "one constant column": lambda: GOOD * [1, 0],
    "repeated rows": lambda: np.repeat(GOOD[:4], N // 4, axis=0),
    "the same column twice": lambda: GOOD[:, [0, 0]],
    "huge everywhere": lambda: GOOD * 1e300,
    "tiny everywhere": lambda: GOOD * 1e-310,
    "far from zero": lambda: GOOD + 1e16,
    "of several scales": lambda: GOOD * [1e-150, 1e150],
    "all nan": lambda: np.full((N, 2), np.nan),
    "a column of nan": lambda: GOOD * [1, np.nan],
    "all infinite": lambda: np.full((N, 2), np.inf),
    "read-only": lambda: np.frombuffer(GOOD.tobytes()).reshape(N, 2),
    "strided": lambda: np.repeat(GOOD, 2, axis=0)[::2],
    "reversed": lambda: GOOD[::-1],
    "fortran": lambda: np.asfortranarray(GOOD),
    "broadcast": lambda: np.broadcast_to(GOOD[:1], (N, 2)),
    "matrix": lambda: np.asmatrix(GOOD),
    "masked": masked,
    "masked nan": lambda: masked(np.nan),
    "masked all": lambda: np.ma.masked_all((N, 2)),
}
HOLDERS = {
    "None": lambda: None,
    "text": lambda: "samples.csv",
    "bytes": lambda: b"0" * N,
    "bytearray": lambda: bytearray(N),
    "list": lambda: GOOD.tolist(),
    "tuple": lambda: tuple(map(tuple, GOOD)),
    "empty list": list,
    "list of empty lists": lambda: [[]] * N,
    "ragged list": lambda: [[1.0] * (1 + i % 2) for i in range(N)],
    "deep ragged list": lambda: [[[1.0], [1.0, 2.0]]] * N,
    "list of texts": lambda: WORDS,
    "list with None": lambda: [None, *ONE[1:]],
    "list of arrays": lambda: list(GOOD),
    "list of tensors": lambda: list(torch.tensor(GOOD)),
    "list of points": lambda: [Point(*row) for row in GOOD],
    "list of dicts": lambda: [{"a": a} for a in ONE],
    "set": lambda: set(ONE),
    "range": lambda: range(N),
    "generator": lambda: (a for a in ONE),
    "map": lambda: map(float, ONE),
    "array.array": lambda: array.array("d", ONE),
    "memoryview": lambda: memoryview(ONE.copy()),
    "dict of columns": lambda: {"a": ONE, "b": ONE},
    "empty dict": dict,
    "ragged dict": lambda: {"a": ONE, "b": ONE[1:]},
    "dict of texts": lambda: {"a": WORDS},
    "frame": lambda: pd.DataFrame(GOOD, columns=["a", "b"]),
    "frame of two names alike": lambda: pd.DataFrame(GOOD, columns=["a", "a"]),
    "frame without rows": lambda: pd.DataFrame({"a": []}),
    "frame without columns": lambda: pd.DataFrame(index=range(N)),
    "frame with nullable": lambda: pd.DataFrame({"a": [pd.NA, *ONE[1:]]}, dtype="Float64"),
    "frame of words and numbers": lambda: pd.DataFrame({"a": ONE, "b": WORDS}),
    "series": lambda: pd.Series(ONE),
    "series of words": lambda: pd.Series(WORDS),
    "series of words, one missing": lambda: pd.Series([None, *WORDS[1:]]),
    "categorical, one missing": lambda: pd.Series([None, *WORDS[1:]], dtype="category"),
    "series of dates": lambda: pd.Series(pd.date_range("2020", periods=N)),
    "polars": lambda: pl.DataFrame(GOOD, schema=["a", "b"]),
    "lazy": lambda: pl.LazyFrame(GOOD, schema=["a", "b"]),
    "polars of lists": lambda: pl.DataFrame({"a": [[1.0, 2.0]] * N}),
    "sparse matrix": lambda: scipy.sparse.csr_matrix(GOOD),
    "sparse array": lambda: scipy.sparse.coo_array(GOOD),
    "file": lambda: io.BytesIO(GOOD.tobytes()),
    "object": object,
    "namespace": lambda: SimpleNamespace(shape=(N, 2), dtype="float64"),
    "class": lambda: np.ndarray,
    "module": lambda: np,
    "exception": lambda: ValueError("no"),
}
KINDS = {
    **{f"one {name}": lambda v=v: put(v) for name, v in VALUES.items()},
    **{f"object array with {name}": lambda v=v: objects(v) for name, v in ODD.items()},
    **{f"dtype {name}": make for name, make in DTYPES.items()},
    **{f"shape {name}": make for name, make in SHAPES.items()},
    **{f"holder {name}": make for name, make in HOLDERS.items()},
}
"""Each kind, and what makes one."""

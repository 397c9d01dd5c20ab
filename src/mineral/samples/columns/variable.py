"""One variable from an array, tensor, list, frame, series, or a dict of these.

Frames and series of any library go through narwhals, arrays and lists through NumPy. Dates become
elapsed time, and text becomes codes if allowed. Other input that cannot be read as real numbers is
refused with the reason: text, complex numbers, ragged lists.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import narwhals as nw
import numpy as np
import torch
from jaxtyping import Bool

from mineral.basics.types import Mask, Matrix
from mineral.errors import InputError, InputTypeError
from mineral.samples.columns.text import Levels, are_texts, coded, is_missing
from mineral.samples.columns.times import as_dates, elapsed

AS_NUMBERS = "encode categories as integer codes and dates as elapsed time"
TEXTS = (nw.String, nw.Categorical, nw.Enum)
DATES = (nw.Date, nw.Datetime, nw.Duration)


@dataclass(frozen=True, kw_only=True)
class Columns:
    """The coordinates of one variable, not yet checked.

    Attributes:
        values: float64, shape (n, d), a copy; a missing value is NaN.
        names: A label for each coordinate.
        integral: Whether the values came as integers.
        dims_given: The number of axes of the input: 3 or more for images, for example.
        levels: For each coordinate, the names of its categories; None if it is a number.
    """

    values: Matrix
    names: tuple[str, ...]
    integral: bool
    dims_given: int
    levels: tuple[Levels | None, ...]

    @property
    def categorical(self) -> Bool[np.ndarray, " d"]:
        """Which coordinates are codes of categories."""
        return np.array([names is not None for names in self.levels])

    def rows(self, keep: Mask) -> "Columns":
        """Some of the rows."""
        return replace(self, values=self.values[keep])


def columns(name: str, values: Any, *, text: bool = False) -> Columns:  # noqa: ANN401
    """Read one variable.

    Args:
        name: The caller's name of the variable: `"x"` or `"y"`.
        values: Shape (n,), (n, d) or (n, ...); or a dict of such, by name, which is a table.
        text: Whether columns of text are read, as codes, or refused.

    Raises:
        InputError: If it is a scalar, has no columns, or repeats a column name.
        InputTypeError: If it cannot be read as real numbers.
    """
    if hasattr(values, "toarray"):  # scipy's sparse matrices and similar
        raise InputTypeError(f"`{name}` is a sparse matrix: pass `{name}.toarray()`.")
    if isinstance(values, Mapping):
        return _from_mapping(name, values, text=text)
    frame = as_frame(name, values)
    if frame is not None:
        return _from_frame(name, frame, text=text)
    array = _as_array(name, values)
    found = _with_text(name, array) if text else None
    return _from_array(name, array) if found is None else found


def as_frame(name: str, values: Any) -> nw.DataFrame[Any] | None:  # noqa: ANN401
    """A frame or series of any library as a table; None if it is neither.

    Raises:
        InputError: If two columns have the same name.
    """
    if isinstance(values, (np.ndarray, torch.Tensor, list, tuple)):
        return None
    try:
        native = nw.from_native(values, allow_series=True, pass_through=True)
        if isinstance(native, nw.LazyFrame):
            return native.collect()
        if isinstance(native, nw.Series):
            return (native if native.name else native.alias(name)).to_frame()
        return native if isinstance(native, nw.DataFrame) else None
    except nw.exceptions.DuplicateError:
        raise InputError(f"`{name}` has two columns of the same name: rename one.") from None


def _from_frame(name: str, frame: nw.DataFrame[Any], *, text: bool) -> Columns:
    if not frame.columns:
        raise InputError(f"`{name}` has no columns: select at least one.")
    return _side_by_side([_from_series(name, each, text=text) for each in frame.iter_columns()])


def _from_series(name: str, series: nw.Series[Any], *, text: bool) -> Columns:
    dtype, label = series.dtype, (str(series.name),)
    if dtype in DATES:
        return replace(_from_array(name, _dates(series)), names=label)
    if text and dtype in TEXTS:
        return _coded(series.cast(nw.String).to_list(), str(series.name))
    if not (dtype.is_numeric() or dtype in (nw.Boolean, nw.Object, nw.Unknown)):
        what = f"`{name}` is" if series.name == name else f"`{name}` has a column {series.name!r}"
        raise InputTypeError(f"{what} of type {dtype}, not numbers: {AS_NUMBERS}.")
    if dtype == nw.Object or series.null_count() == 0:
        array = series.to_numpy()
        if text and are_texts(array):
            return _coded(array, str(series.name))
        return replace(_from_array(name, array), names=label)
    # A null is NaN for us, and integers cannot hold one.
    part = _from_array(name, series.cast(nw.Float64).to_numpy())
    return replace(part, names=label, integral=dtype.is_integer())


def _dates(series: nw.Series[Any]) -> np.ndarray:
    """Dates or durations as NumPy's: those with a zone as instants."""
    if series.dtype == nw.Date:
        series = series.cast(nw.Datetime("us"))
    if getattr(series.dtype, "time_zone", None) is not None:
        series = series.dt.convert_time_zone("UTC").dt.replace_time_zone(None)
    return series.to_numpy()


def _coded(values: Iterable[Any], label: str) -> Columns:
    codes, levels = coded(values)
    if not len(codes):
        raise InputError(f"`{label}` is empty: pass at least 2 rows.")
    return Columns(
        values=codes[:, None], names=(label,), integral=True, dims_given=1, levels=(levels,)
    )


def _with_text(name: str, array: np.ndarray) -> Columns | None:
    """The columns of an array with text in any of them; None if there is no text."""
    if array.dtype.kind not in "UO" or array.ndim not in (1, 2) or not array.size:
        return None
    objects = array.astype(object)
    if isinstance(objects, np.ma.MaskedArray):
        objects = objects.filled(np.nan)  # None would mean the default text
    table = objects[:, None] if array.ndim == 1 else objects
    if not are_texts(table.reshape(-1)) and not any(map(are_texts, table.T)):
        return None
    # If all columns are text, a column of digits is text too.
    whole = are_texts(table.reshape(-1))
    names = [name] if table.shape[1] == 1 else [f"{name}{i}" for i in range(table.shape[1])]
    return _side_by_side(
        [
            _coded(column, label)
            if whole or are_texts(column)
            else replace(_from_array(name, column), names=(label,))
            for label, column in zip(names, table.T, strict=True)
        ]
    )


def _from_mapping(name: str, table: Mapping[Any, Any], *, text: bool) -> Columns:
    if not table:
        raise InputError(f"`{name}` has no columns: select at least one.")
    parts = [
        _labelled(columns(f"{name}[{key!r}]", column, text=text), str(key))
        for key, column in table.items()
    ]
    rows = {len(part.values): key for key, part in zip(table, parts, strict=True)}
    if len(rows) > 1:
        (n, key), (other_n, other) = list(rows.items())[:2]
        raise InputError(
            f"`{name}` has columns of different lengths: {n} rows of {key!r}, {other_n} of "
            f"{other!r}."
        )
    return _side_by_side(parts)


def _labelled(part: Columns, label: str) -> Columns:
    d = part.values.shape[1]
    return replace(part, names=(label,) if d == 1 else tuple(f"{label}{i}" for i in range(d)))


def _side_by_side(parts: list[Columns]) -> Columns:
    return Columns(
        values=np.hstack([part.values for part in parts]),
        names=tuple(label for part in parts for label in part.names),
        integral=any(part.integral for part in parts),
        dims_given=max(2, *(part.dims_given for part in parts)),
        levels=tuple(names for part in parts for names in part.levels),
    )


def _as_array(name: str, values: Any) -> np.ndarray:  # noqa: ANN401
    if isinstance(values, torch.Tensor):
        return _from_tensor(name, values)
    if isinstance(values, np.ma.MaskedArray):
        return values
    try:
        if isinstance(values, (list, tuple)):
            kinds = {type(value) for value in values}
            if any(issubclass(kind, torch.Tensor) for kind in kinds):
                return _from_tensor(name, torch.stack([torch.as_tensor(v) for v in values]))
            if type(np.ma.masked) in kinds:
                values = [None if value is np.ma.masked else value for value in values]
            array = np.asarray(values)
            # In an array with text, NumPy converts numbers and NaN to text.
            return np.array(values, dtype=object) if array.dtype.kind == "U" else array
        return np.asarray(values)
    except (ValueError, TypeError, RuntimeError):
        raise InputTypeError(
            f"`{name}` is ragged or mixed: every row must hold the same number of numbers."
        ) from None


def _from_tensor(name: str, values: torch.Tensor) -> np.ndarray:
    if values.layout != torch.strided:
        raise InputTypeError(f"`{name}` is a sparse tensor: pass `{name}.to_dense()`.")
    if values.is_complex():
        raise _not_real(name, str(values.dtype))
    try:
        values = values.detach().cpu().resolve_neg()
        if values.is_floating_point():
            values = values.double()  # NumPy has no bfloat16
        return values.numpy()
    except (RuntimeError, TypeError):  # quantized, or on no device at all
        raise InputTypeError(
            f"`{name}` is a tensor of {values.dtype} on {values.device} that cannot be read: pass "
            "an ordinary one."
        ) from None


def _from_masked(name: str, masked: np.ma.MaskedArray) -> Columns:
    if masked.dtype == object:
        return _from_objects(name, masked.filled(np.nan))
    part = _from_array(name, masked.data)
    part.values[np.ma.getmaskarray(masked).reshape(part.values.shape)] = np.nan
    return part


def _from_objects(name: str, array: np.ndarray) -> Columns:
    if array.ndim == 0:
        raise InputTypeError(
            f"`{name}` is {_kind_of(array.item())}: pass an array, a list, a tensor or a frame."
        )
    flat = [np.nan if is_missing(value) else value for value in array.flat]
    dates = as_dates(flat)
    if dates is not None:
        return _from_array(name, dates.reshape(array.shape))
    odd = next((v for v in flat if isinstance(v, (str, bytes, complex)) or _is_nested(v)), None)
    try:
        if odd is not None:
            raise TypeError
        numbers = np.array(flat, dtype=np.float64).reshape(array.shape)
    except OverflowError:
        raise InputError(
            f"`{name}` has an integer too large for float64: subtract an offset first, or encode "
            "identifiers as small codes."
        ) from None
    except (TypeError, ValueError):
        found = "objects that are not" if odd is None else f"{_kind_of(odd)} among its"
        raise InputTypeError(f"`{name}` holds {found} numbers: {AS_NUMBERS}.") from None
    integral = any(isinstance(value, int) for value in flat)
    return replace(_from_array(name, numbers), integral=integral)


def _is_nested(value: object) -> bool:
    return isinstance(value, (list, tuple, dict, set, np.ndarray))


def _kind_of(value: object) -> str:
    return "None" if value is None else f"a {type(value).__name__}"


def _from_array(name: str, array: np.ndarray) -> Columns:
    if isinstance(array, np.ma.MaskedArray):
        return _from_masked(name, array)
    if array.dtype == object:
        return _from_objects(name, array)
    if array.dtype.kind in "mM" and array.dtype.names is None:
        array = elapsed(name, array)
    if array.dtype.kind == "c":
        raise _not_real(name, str(array.dtype))
    if array.dtype.kind not in "fiub":
        raise InputTypeError(f"`{name}` is of type {array.dtype}, not numbers: {AS_NUMBERS}.")
    if array.ndim == 0:
        raise InputError(f"`{name}` is a single number: pass one row for each sample.")
    if len(array) == 0:
        raise InputError(f"`{name}` is empty, of shape {array.shape}: pass at least 2 rows.")
    if array.size == 0:
        raise InputError(f"`{name}` has no columns, of shape {array.shape}: pass at least one.")
    with np.errstate(over="ignore"):  # a wider float may become infinite, which the gate refuses
        values = np.array(array, dtype=np.float64, order="C").reshape(len(array), -1)
    d = values.shape[1]
    return Columns(
        values=values,
        names=(name,) if d == 1 else tuple(f"{name}{i}" for i in range(d)),
        integral=array.dtype.kind in "iu",
        dims_given=array.ndim,
        levels=(None,) * d,
    )


def _not_real(name: str, dtype: str) -> InputTypeError:
    return InputTypeError(
        f"`{name}` is complex ({dtype}): pass real and imaginary parts as two columns."
    )

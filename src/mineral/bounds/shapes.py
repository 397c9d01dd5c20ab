"""The shapes of tensors that bounds take, checked at each call from the annotations themselves.

A wrong shape broadcasts into a plausible number: a baseline of shape (n, 1) makes n × n of n
scores. `checked` compares the shape of every tensor with its annotation, sizes of the same letter
and devices with each other, and costs a few microseconds: it reads no value, so it works under
`torch.compile`, `vmap` and autocast, and on any device.

Scores of half precision, as critics return them under autocast, become float32: in bfloat16, sums
of exponentials and their logarithms were wrong by up to 0.1 nats.
"""

import functools
import inspect
from collections.abc import Callable, Sequence
from numbers import Real
from typing import Any, NamedTuple, ParamSpec, TypeVar, get_args

import torch
from torch import Tensor

from mineral.basics.types import JointScores, ProductScores
from mineral.errors import InputError, InputTypeError

P = ParamSpec("P")
R = TypeVar("R")
SQUARE = ("n", "n")  # scores of all pairs of a batch
HALF = (torch.float16, torch.bfloat16)


class _Expected(NamedTuple):
    """An argument: its place, its name, a letter for each axis, and whether it may be a number."""

    place: int
    name: str
    axes: tuple[str, ...]
    or_number: bool


def checked(function: Callable[P, R]) -> Callable[P, R]:
    """The function, which refuses tensors of other shapes than its annotations have.

    It computes in float32 or float64.

    Raises:
        InputError: If a tensor has another shape or no entries, or is on another device.
        InputTypeError: If an argument is no dense tensor of real floating-point numbers.
    """
    expected = _expected(function)

    @functools.wraps(function)
    def wrapper(*args: P.args, **kwargs: P.kwargs) -> R:
        sizes: dict[str, tuple[int, str]] = {}
        first: tuple[str, Tensor] | None = None
        half: dict[int | str, Tensor] = {}  # by place or name
        for argument in expected:
            if argument.place < len(args):
                value = args[argument.place]
            elif argument.name in kwargs:
                value = kwargs[argument.name]
            else:
                continue
            _check(argument, value, sizes)
            if isinstance(value, Tensor) and value.dtype in HALF:
                half[argument.place if argument.place < len(args) else argument.name] = value
            if isinstance(value, Tensor) and value.ndim:  # torch takes numbers of any device
                first = first or (argument.name, value)
                _check_device(argument, value, *first)
        if half:
            return _in_single(function, half, args, kwargs)
        return function(*args, **kwargs)

    # Code of its own: `torch.compile` keeps at most 8 versions of one code object.
    code = wrapper.__code__  # type: ignore[attr-defined]
    wrapper.__code__ = code.replace(co_name=function.__name__)  # type: ignore[attr-defined]
    return wrapper


def _in_single(
    function: Callable[..., R],
    half: dict[int | str, Tensor],
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
) -> R:
    """Call the function with these arguments in float32."""
    single = {key: value.float() for key, value in half.items()}
    by_place = [single.get(place, value) for place, value in enumerate(args)]
    return function(*by_place, **{name: single.get(name, kwargs[name]) for name in kwargs})


def _expected(function: Callable[..., Any]) -> tuple[_Expected, ...]:
    found = []
    for place, parameter in enumerate(inspect.signature(function).parameters.values()):
        kinds = get_args(parameter.annotation) or (parameter.annotation,)
        shapes = [kind.dim_str for kind in kinds if hasattr(kind, "dim_str")]
        if shapes:
            axes = tuple(shapes[0].split())
            found.append(_Expected(place, parameter.name, axes, float in kinds))
    return tuple(found)


def _check(argument: _Expected, value: object, sizes: dict[str, tuple[int, str]]) -> None:
    """Compare one argument with its annotation; `sizes` has those of earlier ones, by letter."""
    if not isinstance(value, Tensor):
        if argument.or_number and isinstance(value, Real):
            return
        raise InputTypeError(
            f"`{argument.name}` must be a torch tensor of shape {_written(argument.axes)}, got a "
            f"{type(value).__name__}."
        )
    if not value.is_floating_point():
        raise InputTypeError(
            f"`{argument.name}` must hold floating-point numbers, got {value.dtype}: pass "
            f"`{argument.name}.float()`."
        )
    if value.layout != torch.strided:
        raise InputTypeError(
            f"`{argument.name}` must be a dense tensor, got {value.layout}: pass "
            f"`{argument.name}.to_dense()`."
        )
    if argument.or_number and value.ndim == 0:
        return
    if value.ndim != len(argument.axes):
        raise _wrong(argument, value, sizes)
    for axis, size in zip(argument.axes, value.shape, strict=True):
        if size != sizes.setdefault(axis, (size, argument.name))[0]:
            raise _wrong(argument, value, sizes)
    least = 2 if argument.axes == SQUARE else 1  # one pair alone has no product score
    if argument.axes and min(value.shape) < least:
        raise InputError(
            f"`{argument.name}` needs at least {least} along each axis, got shape "
            f"{tuple(value.shape)}."
        )


def _check_device(argument: _Expected, value: Tensor, name: str, first: Tensor) -> None:
    if value.device != first.device:
        raise InputError(
            f"`{argument.name}` must be on the device of `{name}`, {first.device}, got "
            f"{value.device}: pass `{argument.name}.to({name}.device)`."
        )


def _wrong(argument: _Expected, value: Tensor, sizes: dict[str, tuple[int, str]]) -> InputError:
    known = [
        f"{axis} = {size} of `{name}`"
        for axis, (size, name) in sizes.items()
        if axis in argument.axes and name != argument.name
    ]
    remedy = ""
    if value.ndim == 1 and len(argument.axes) == 2 and argument.axes != SQUARE:
        remedy = f": pass `{argument.name}[:, None]` for one score a row"
    elif value.ndim == 2 and value.shape[1] == 1 and len(argument.axes) == 1:
        remedy = f": pass `{argument.name}.squeeze(1)`"
    return InputError(
        f"`{argument.name}` must have shape {_written(argument.axes)}"
        f"{' with ' * bool(known)}{', '.join(known)}, got {tuple(value.shape)}{remedy}."
    )


def _written(axes: tuple[str, ...]) -> str:
    return f"({axes[0]},)" if len(axes) == 1 else f"({', '.join(axes)})"


@checked
def _batch(joint: JointScores, product: ProductScores) -> int:
    return product.shape[1]


def checked_batches(batches: Sequence[tuple[Tensor, Tensor]], *, same_m: bool) -> None:
    """Refuse batches of scores that no bound takes, none, or of different m where it must agree.

    Raises:
        InputError: If there is no batch, or one of another shape.
        InputTypeError: If a batch is no pair of floating-point tensors.
    """
    if len(batches) == 0:
        raise InputError("`batches` is empty: pass at least one pair of joint and product scores.")
    widths = {_batch(*batch) for batch in batches}
    if same_m and len(widths) > 1:
        raise InputError(
            f"`batches` must have the same number of product scores a row, got "
            f"{', '.join(map(str, sorted(widths)))}."
        )

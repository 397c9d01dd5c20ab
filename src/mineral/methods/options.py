"""The types of options: annotations that are checked when an estimator is created.

An estimator writes only `k: AtLeastOne = 3`. Types unknown to this file are not checked, so that a
custom estimator may have options of any type.
"""

import contextlib
import math
import numbers
from collections.abc import Callable, Hashable, Iterator
from dataclasses import dataclass, fields
from functools import cache
from types import NoneType, UnionType
from typing import (
    Annotated,
    Any,
    Literal,
    TypeAlias,
    Union,
    get_args,
    get_origin,
    get_type_hints,
)

from mineral.errors import OptionError


@dataclass(frozen=True)
class Range:
    """The range of a numeric option, finite by default.

    Attributes:
        least, most: The ends.
        closed: Whether the ends are included.
        noun: The noun of such a number in an error: "seconds above 0".
        finite: Whether infinity is refused.
    """

    least: float | int = -math.inf
    most: float | int = math.inf
    closed: bool = True
    noun: str = ""
    finite: bool = True

    def __contains__(self, value: float | int) -> bool:
        if self.finite and isinstance(value, float) and not math.isfinite(value):
            return False
        if self.closed:
            return self.least <= value <= self.most
        return self.least < value and (value < self.most or self.most == math.inf)

    def __str__(self) -> str:
        """After "must": be at least 1, be positive, lie between 0 and 1."""
        if math.isinf(self.least):
            return "be finite"
        if math.isfinite(self.most):
            return f"lie between {self.least:g} and {self.most:g}"
        if not self.closed and self.least == 0:
            return "be positive and finite" if self.finite else "be positive"
        return f"be {'at least' if self.closed else 'above'} {self.least:g} and finite"


AtLeastOne: TypeAlias = Annotated[int, Range(1)]
AtLeastTwo: TypeAlias = Annotated[int, Range(2)]
PositiveOrInfinite: TypeAlias = Annotated[float, Range(0, closed=False, finite=False)]
Positive: TypeAlias = Annotated[float, Range(0, closed=False)]
NotNegative: TypeAlias = Annotated[float, Range(0)]
Share: TypeAlias = Annotated[float, Range(0, 1)]


def checked(recipe: Any) -> dict[str, Any]:  # noqa: ANN401
    """The options of a dataclass object, whose numbers are Python's own.

    Raises:
        OptionError: If a value is not of the type and range that its field is annotated with.
    """
    kind: Any = type(recipe)
    hints = _hints(kind)
    values = {field.name: getattr(recipe, field.name) for field in fields(recipe)}
    return {name: _checked(name, value, hints.get(name)) for name, value in values.items()}


@cache
def _hints(kind: Hashable) -> dict[str, Any]:
    try:
        return get_type_hints(kind, include_extras=True)
    except (NameError, TypeError):  # a name that only a type checker sees, in a user's own class
        return {}


def _checked(name: str, value: object, hint: Any) -> object:  # noqa: ANN401
    arms = list(_arms(hint))
    for arm in arms:
        converted, is_accepted = _accepted(value, arm)
        if is_accepted:
            return converted
    found = f"got {value!r}."
    in_type = [
        arm for arm in arms if _range_of(arm) and _of_number(value, _number(arm)) is not None
    ]
    if len(in_type) == 1 and all(arm in (in_type[0], NoneType) for arm in arms):
        or_none = ", or None" if NoneType in arms else ""
        raise OptionError(f"`{name}` must {_bounds(in_type[0])}{or_none}, {found}")
    nouns = [noun for arm in arms for noun in _nouns(arm)]
    raise OptionError(f"`{name}` must be {_either(nouns)}, {found}")


def _arms(hint: Any) -> Iterator[Any]:  # noqa: ANN401
    """The types of a union, or the only one; an integer is also read as a float."""
    if isinstance(hint, UnionType) or get_origin(hint) is Union:
        for arm in get_args(hint):
            yield from _arms(arm)
    else:
        yield hint


def _number(arm: Any) -> type | None:  # noqa: ANN401
    kind = get_args(arm)[0] if get_origin(arm) is Annotated else arm
    return kind if kind in (int, float) else None


def _range_of(arm: Any) -> Range | None:  # noqa: ANN401
    """The range of a number's type: of any finite number without one."""
    if _number(arm) is None:
        return None
    extras = get_args(arm)[1:] if get_origin(arm) is Annotated else ()
    return next((extra for extra in extras if isinstance(extra, Range)), Range())


def _of_number(value: object, kind: type | None) -> int | float | None:
    """As a Python number of this type, or None if it is not one."""
    if isinstance(value, bool) or type(value).__name__ in ("bool", "bool_"):
        return None
    if kind is int and isinstance(value, numbers.Integral):
        return int(value)
    if kind is float and isinstance(value, numbers.Real):
        with contextlib.suppress(OverflowError):  # an integer of hundreds of digits
            return float(value)
    return None


def _accepted(value: object, arm: Any) -> tuple[object, bool]:  # noqa: ANN401
    """The value as Python's own type, and whether it is of this type and in its range."""
    allowed = _range_of(arm)
    if allowed is not None:
        number = _of_number(value, _number(arm))
        return number, number is not None and number in allowed
    if get_origin(arm) is Literal:
        number = _of_number(value, int)
        plain = value if number is None else number
        return plain, any(type(plain) is type(word) and plain == word for word in get_args(arm))
    if get_origin(arm) is tuple:
        return _tuple(value, get_args(arm))
    if arm is bool:
        return bool(value), type(value).__name__ in ("bool", "bool_")
    if arm is NoneType:
        return None, value is None
    if _is_callable(arm):
        return value, callable(value)
    return value, isinstance(value, arm) if isinstance(arm, type) else True


def _tuple(value: object, arms: tuple[Any, ...]) -> tuple[object, bool]:
    if not isinstance(value, (tuple, list)) or len(value) != len(arms):
        return value, False
    parts = [_accepted(item, arm) for item, arm in zip(value, arms, strict=True)]
    return tuple(part for part, _ in parts), all(is_accepted for _, is_accepted in parts)


def _is_callable(arm: Any) -> bool:  # noqa: ANN401
    return get_origin(arm) in (Callable, get_origin(Callable[[], None]))


def _bounds(arm: Any) -> str:  # noqa: ANN401
    text = str(_range_of(arm))
    return text.removesuffix(" and finite") if _number(arm) is int else text


def _nouns(arm: Any) -> list[str]:  # noqa: ANN401
    """The accepted values of the type, for an error message."""
    if get_origin(arm) is Literal:
        return [repr(word) for word in get_args(arm)]
    if get_origin(arm) is tuple:
        return [f"{len(get_args(arm))} values, each {_nouns(get_args(arm)[0])[0]}"]
    if _is_callable(arm):
        return ["a class or function that builds a network"]
    allowed = _range_of(arm)
    if allowed is not None:
        if allowed.noun:
            return [allowed.noun]
        kind = "a whole number" if _number(arm) is int else "a number"
        bounds = _bounds(arm).removeprefix("be ").replace("lie between", "from")
        bounds = bounds.replace(" and ", " to ") if bounds.startswith("from") else bounds
        return [f"{kind} {bounds}" if bounds.startswith("from") else f"{kind}, {bounds}"]
    return {bool: ["True", "False"], NoneType: ["None"]}.get(
        arm, [f"an object of the class {arm.__name__}"]
    )


def _either(nouns: list[str]) -> str:
    if len(nouns) == 1:
        return nouns[0]
    return f"{', '.join(nouns[:-1])} or {nouns[-1]}"

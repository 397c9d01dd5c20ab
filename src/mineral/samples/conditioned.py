"""Samples of X and Y with a condition Z, one row of each per sample: the gate of `given=`."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from jaxtyping import Bool

from mineral.basics.types import Matrix, Missing, Rows, X, Y, Z
from mineral.samples.autocorrelation import is_listed_by
from mineral.samples.columns.categorical import MAX_INDICATORS, indicators
from mineral.samples.columns.text import Levels
from mineral.samples.gate import CONDITION, Paired, as_pair, levels_of, read_sides
from mineral.samples.selection import Selection

ROWS_PER_INDICATOR = 5  # of Z: Z remains in categories without a column, which is worse than noise


@dataclass(frozen=True, kw_only=True)
class Conditioned:
    """Joint samples of X, Y and Z, one per row.

    Attributes:
        pair: X and Y.
        z: float64 matrix of shape (n, dz), finite; its columns may be constant.
        z_names: A label for each coordinate of Z.
        levels_z: For each categorical coordinate of Z, by its name, the names of its categories.
    """

    pair: Paired
    z: Z
    z_names: tuple[str, ...]
    levels_z: Mapping[str, Levels] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.z)

    @property
    def sides(self) -> tuple[X, Y, Z]:
        """x, y and z."""
        return self.pair.x, self.pair.y, self.z

    @property
    def rows_a_draw(self) -> float:
        """Rows for each independent draw of X and Y."""
        return self.pair.rows_a_draw

    @property
    def dims(self) -> int:
        """dx + dy + dz."""
        return self.pair.dims + int(self.z.shape[1])

    @property
    def categorical_z(self) -> Bool[np.ndarray, " dz"]:
        """Which coordinates of Z are codes of categories."""
        return np.array([name in self.levels_z for name in self.z_names], dtype=bool)

    @property
    def numbers_z(self) -> Matrix:
        """Z with indicators in place of categories."""
        each = len(self) // (ROWS_PER_INDICATOR * max(1, int(self.categorical_z.sum())))
        return indicators(self.z, self.categorical_z, most=max(MAX_INDICATORS, each))

    def rows(self, rows: Rows) -> "Conditioned":
        """Some of the rows."""
        return replace(self, pair=self.pair.rows(rows), z=self.z[rows])

    def measurable(self) -> "Conditioned":
        """Without constant coordinates, in units that arithmetic can hold; Z may have none."""
        pair, _, _ = self.pair.measurable()
        varies = (self.z != self.z[:1]).any(axis=0)
        if not varies.any():
            return replace(self, pair=pair, z=self.z[:, :0], z_names=(), levels_z={})
        of_z = Selection.of(self.z)
        return replace(self, pair=pair, z=of_z(self.z), z_names=of_z.names(self.z_names))


def conditioned(
    x: Any,  # noqa: ANN401
    y: Any,  # noqa: ANN401
    given: Any,  # noqa: ANN401
    *,
    missing: Missing = "raise",
    words: bool = False,
) -> Conditioned:
    """Read x, y and given as paired samples; rows with a missing value in any are dropped.

    Args:
        x: As `paired` takes it.
        y: The same.
        given: The condition, as `x`; it may be constant, and columns of text are categories.
        missing: As `paired` has it.
        words: Whether columns of text of x and y are read, as categories, or refused.

    Raises:
        InputError, InputTypeError, OptionError: As `paired` does.
    """
    values = {"x": x, "y": y, CONDITION: given}
    sides, cautions = read_sides(values, missing=missing, words=words)
    z = sides[CONDITION]
    pair = as_pair(sides["x"], sides["y"], cautions)
    if is_listed_by(z.values / 2):  # the order of rows is part of the condition
        ordered = tuple(each for each in pair.cautions if each.code != "rows-in-order")
        pair = replace(pair, cautions=ordered)
    return Conditioned(
        pair=pair,
        z=z.values,
        z_names=z.names,
        levels_z=levels_of(z),
    )

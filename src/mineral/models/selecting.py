"""A model of some coordinates of each side: the others were constant where it was fitted."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from mineral.basics.types import PerSample, X, Y
from mineral.models.base import Model, Rebuild, Sides, Stored, check
from mineral.results import PointwiseModel
from mineral.samples import Selection


@dataclass(frozen=True, kw_only=True)
class SelectingModel(Model):
    """The log density ratio of a model, of the coordinates that it was fitted to.

    Attributes:
        model: Of these coordinates.
        of_x, of_y: Which they are, and their units.
    """

    model: Model
    of_x: Selection
    of_y: Selection

    kind = "selecting"

    @property
    def dim_x(self) -> int:  # type: ignore[override]
        return self.of_x.width

    @property
    def dim_y(self) -> int:  # type: ignore[override]
        return self.of_y.width

    def _seen(self, x: X, y: Y) -> Sides:
        return self.model._seen(self.of_x(x), self.of_y(y))

    def _ratio(self, x: X, y: Y) -> PerSample:
        return self.model._ratio(x, y)

    def _tensors(self) -> dict[str, Tensor]:
        tensors = self.model._tensors()
        for side, selection in (("x", self.of_x), ("y", self.of_y)):
            tensors[f"selecting.{side}.columns"] = torch.from_numpy(selection.columns)
            tensors[f"selecting.{side}.units"] = torch.from_numpy(selection.units)
        return tensors

    def _settings(self) -> dict[str, Any]:
        widths = {"selecting_widths": [self.of_x.width, self.of_y.width]}
        return self.model._settings() | widths | {"selecting_from": self.model.kind}


def selecting(
    model: PointwiseModel | None, of_x: Selection, of_y: Selection
) -> PointwiseModel | None:
    """The model as it takes whole sides."""
    if not isinstance(model, Model) or (of_x.is_everything and of_y.is_everything):
        return model
    return SelectingModel(model=model, of_x=of_x, of_y=of_y)


def rebuild_selecting(kinds: Mapping[str, Rebuild[Model]], stored: Stored) -> SelectingModel:
    """From a file.

    Args:
        kinds: What makes the model inside.
        stored: What the file holds.
    """
    settings = stored.settings
    kind = settings["selecting_from"]
    check("a model of a known kind inside", kind in kinds)
    inside = {n: v for n, v in stored.tensors.items() if not n.startswith("selecting.")}
    model = kinds[kind](replace(stored, tensors=inside))
    of_x, of_y = (
        _selection(stored, side, width)
        for side, width in zip("xy", settings["selecting_widths"], strict=True)
    )
    check("columns of its width", len(of_x.columns) == model.dim_x)
    check("columns of its width", len(of_y.columns) == model.dim_y)
    return SelectingModel(model=model, of_x=of_x, of_y=of_y)


def _selection(stored: Stored, side: str, width: object) -> Selection:
    columns = stored.whole(f"selecting.{side}.columns")
    units = stored.array(f"selecting.{side}.units")
    check("a width", isinstance(width, int) and 0 < width < 2**31)
    inside = bool((columns >= 0).all() and (columns < width).all() and (np.diff(columns) > 0).all())
    check("columns inside its width", inside and len(columns) > 0)
    check("units for its columns", units.shape == columns.shape and bool((units > 0).all()))
    return Selection(columns, units, int(str(width)))

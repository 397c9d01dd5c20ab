"""The nouns of the library, with their shapes.

n   joint samples                     m   product samples for each joint sample
dx  dimension of X                    dy  dimension of Y
dz  dimension of a condition Z

Shapes are checked in our tests only; at run time the annotations cost nothing.
"""

import math
from collections.abc import Callable
from typing import TypeAlias

import numpy as np
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from mineral.basics.choices import Kind as Kind
from mineral.basics.choices import Missing as Missing
from mineral.basics.choices import Unit as Unit

Matrix: TypeAlias = Float[np.ndarray, "n d"]
X: TypeAlias = Float[np.ndarray, "n dx"]
Y: TypeAlias = Float[np.ndarray, "n dy"]
Z: TypeAlias = Float[np.ndarray, "n dz"]
PerSample: TypeAlias = Float[np.ndarray, " n"]
Mask: TypeAlias = Bool[np.ndarray, " n"]
Rows: TypeAlias = Int[np.ndarray, " rows"]

JointScores: TypeAlias = Float[Tensor, " n"]  # joint[i]      = f(x_i, y_i)
ProductScores: TypeAlias = Float[Tensor, "n m"]  # product[i, j] = f(x_i, y'_ij)
Nats: TypeAlias = Float[Tensor, ""]

Bound: TypeAlias = Callable[[Tensor, Tensor], Tensor]  # (joint, product) -> nats
CriticFactory: TypeAlias = Callable[[int, int], nn.Module]  # (dx, dy) -> critic

Progress: TypeAlias = Callable[[float, str], None]  # (fraction done, what is running)

NATS_PER_UNIT: dict[Unit, float] = {"nats": 1.0, "bits": math.log(2)}

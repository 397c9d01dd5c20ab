"""Words that users choose between, without what it takes to compute with them."""

from typing import Literal, TypeAlias

Kind: TypeAlias = Literal["lower bound", "upper bound", "neither"]
Unit: TypeAlias = Literal["nats", "bits"]
Missing: TypeAlias = Literal["raise", "drop"]

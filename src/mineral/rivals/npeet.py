"""NPEET: neighbours in any dimension; Greg Ver Steeg. Settings: k=3, alpha=0 (of LNC, if above 0).

It does not scale coordinates, and its distances need comparable ones: they are scaled here to unit
variance, as other libraries do.
"""

from __future__ import annotations

from importlib.metadata import version
from typing import Any


def load() -> Any:  # noqa: ANN401
    """The function to call, and the versions."""
    import math

    import numpy as np
    from npeet import entropy_estimators
    from serve import read, scaled

    def estimate(x: Any, y: Any, *, seed: int, settings: list[str], **_: Any) -> float:  # noqa: ANN401
        options = read(settings, k=3, alpha=0.0)
        np.random.seed(seed)  # noqa: NPY002  (it adds noise from the global state)
        return float(entropy_estimators.mi(scaled(x), scaled(y), base=math.e, **options))

    return estimate, {"npeet": version("npeet")}


if __name__ == "__main__":
    from serve import serve

    serve(load)

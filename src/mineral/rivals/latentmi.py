"""latentmi: neighbours on learned latent variables; Gowri et al. (2024). Settings: epochs=300.

Its neighbours are in bits. One value for each held-out sample comes back; their mean is meant.
"""

from __future__ import annotations

from importlib.metadata import version
from typing import Any


def load() -> Any:  # noqa: ANN401
    """The function to call, and the versions."""
    import math

    import numpy as np
    import torch
    from serve import read, scaled

    vars(np)["NaN"] = np.nan  # which it uses, and NumPy 2 has not
    from latentmi import lmi

    def estimate(x: Any, y: Any, *, seed: int, settings: list[str], **_: Any) -> float:  # noqa: ANN401
        options = read(settings, epochs=300)
        np.random.seed(seed)  # noqa: NPY002  (it splits by the global state)
        torch.manual_seed(seed)
        found, *_rest = lmi.estimate(
            torch.as_tensor(scaled(x), dtype=torch.float32),
            torch.as_tensor(scaled(y), dtype=torch.float32),
            epochs=options["epochs"],
            device="cpu",
        )
        return float(np.nanmean(found)) * math.log(2)

    return estimate, {name: version(name) for name in ("latentmi", "torch")}


if __name__ == "__main__":
    from serve import serve

    serve(load)

"""torch-mist: variational estimators in PyTorch; Marco Federici et al.

Settings: method=smile (or mine, infonce, nwj, js, …), max_iterations=0 for its own, and
early_stopping=1. Samples are scaled to unit variance. As its `estimate_mi` does by itself, the
value is computed on all samples, those trained on among them.
"""

from __future__ import annotations

from importlib.metadata import version
from typing import Any


def load() -> Any:  # noqa: ANN401
    """The function to call, and the versions."""
    import torch
    from serve import read, scaled
    from torch_mist.utils import estimate_mi

    def estimate(x: Any, y: Any, *, seed: int, settings: list[str], **_: Any) -> float:  # noqa: ANN401
        options = read(settings, method="smile", max_iterations=0, early_stopping=1)
        torch.manual_seed(seed)
        found = estimate_mi(
            data={"x": tensor(x), "y": tensor(y)},
            estimator=options["method"],
            max_iterations=options["max_iterations"] or None,
            early_stopping=bool(options["early_stopping"]),
            verbose=False,
            logger=False,
        )
        return float(found)

    def tensor(values: Any) -> Any:  # noqa: ANN401
        return torch.as_tensor(scaled(values), dtype=torch.float32)

    return estimate, {name: version(name) for name in ("torch-mist", "torch")}


if __name__ == "__main__":
    from serve import serve

    serve(load)

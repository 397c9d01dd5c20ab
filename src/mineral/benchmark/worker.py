"""`python -m mineral.benchmark.worker`: our estimators, through the same protocol as rivals."""

import contextlib
from typing import Any

import torch

from mineral.errors import MineralError
from mineral.rivals.serve import Estimate, Refused, serve
from mineral.settings import configured
from mineral.system.machine import versions


def estimate(
    x: Any,  # noqa: ANN401
    y: Any,  # noqa: ANN401
    *,
    seed: int,
    estimator: str,
    settings: list[str],
    given: Any = None,  # noqa: ANN401
) -> dict[str, Any]:
    """One estimate, as the protocol says it.

    Raises:
        Refused: If the samples or the settings are not for this estimator.
    """
    try:
        found = configured(estimator, settings).estimate(x, y, given=given, seed=seed)
    except MineralError as error:
        raise Refused(str(error)) from None
    low, high = found.interval
    return {
        "value": found.value,
        "low": low,
        "high": high,
        "confidence": found.confidence,
        "kind": found.kind,
        "warnings": [caution.code for caution in found.warnings],
        "options": found.to_dict()["options"] | {"estimator": found.method},
    }


def load() -> tuple[Estimate, dict[str, str]]:
    """Import what estimators import when they first run, so that no job's seconds pay for it."""
    import sklearn.cluster
    import sklearn.mixture  # noqa: F401

    with contextlib.suppress(ImportError):
        import zuko  # noqa: F401
    torch.optim.Adam([torch.nn.Parameter(torch.zeros(1))])
    return estimate, versions()


if __name__ == "__main__":
    serve(load)

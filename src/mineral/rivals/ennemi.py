"""ennemi: neighbours, one dimension against one; Petri Laarne et al. Settings: k=3."""

from __future__ import annotations

from importlib.metadata import version
from typing import Any


def load() -> Any:  # noqa: ANN401
    """The function to call, and the versions."""
    import ennemi
    from serve import Refused, read

    def estimate(x: Any, y: Any, *, settings: list[str], **_: Any) -> float:  # noqa: ANN401
        options = read(settings, k=3)
        if x.shape[1] > 1 or y.shape[1] > 1:
            raise Refused(f"one dimension against one, got {x.shape[1]} and {y.shape[1]}")
        return float(ennemi.estimate_mi(y[:, 0], x[:, 0], k=options["k"], max_threads=1).item())

    return estimate, {"ennemi": version("ennemi")}


if __name__ == "__main__":
    from serve import serve

    serve(load)

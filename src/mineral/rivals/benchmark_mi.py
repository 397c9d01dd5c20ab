"""benchmark-mi (`bmi`), the estimators beside "Beyond Normal", in JAX; Czyż et al. (2023).

Settings: method=infonce, one of ksg, cca, infonce, mine, dv, nwj; everything else as the library
has it. Its networks report the highest value that they saw on held-out rows.
"""

from __future__ import annotations

from importlib.metadata import version
from typing import Any


def load() -> Any:  # noqa: ANN401
    """The function to call, and the versions."""
    from bmi import estimators
    from serve import Refused, read

    networks = {
        "infonce": estimators.InfoNCEEstimator,
        "mine": estimators.MINEEstimator,
        "dv": estimators.DonskerVaradhanEstimator,
        "nwj": estimators.NWJEstimator,
    }
    closed = {
        "ksg": estimators.KSGEnsembleFirstEstimator,
        "cca": estimators.CCAMutualInformationEstimator,
    }

    def estimate(x: Any, y: Any, *, seed: int, settings: list[str], **_: Any) -> float:  # noqa: ANN401
        method = read(settings, method="infonce")["method"]
        if method in closed:
            return float(closed[method]().estimate(x, y))
        if method not in networks:
            raise Refused(f"method {method!r}: choose from {', '.join([*closed, *networks])}")
        return float(networks[method](seed=seed, verbose=False).estimate(x, y))

    return estimate, {name: version(name) for name in ("benchmark-mi", "jax")}


if __name__ == "__main__":
    from serve import serve

    serve(load)

"""infomeasure: neighbours or kernels in any dimension; Carlson Büth et al.

Settings: approach=ksg, k=4. Its own option normalizes one dimension only, so the
coordinates are scaled to unit variance here.
"""

from __future__ import annotations

from importlib.metadata import version
from typing import Any


def load() -> Any:  # noqa: ANN401
    """The function to call, and the versions."""
    import infomeasure
    from serve import read, scaled

    def estimate(x: Any, y: Any, *, settings: list[str], **_: Any) -> float:  # noqa: ANN401
        options = read(settings, approach="ksg", k=4)
        if options["approach"] != "ksg":
            options.pop("k")
        return float(infomeasure.mutual_information(scaled(x), scaled(y), base="e", **options))

    return estimate, {"infomeasure": version("infomeasure")}


if __name__ == "__main__":
    from serve import serve

    serve(load)

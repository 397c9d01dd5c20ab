"""scikit-learn: `mutual_info_regression`, neighbours, one dimension against one.

Settings: k=3. With a discrete Y, scikit-learn offers `mutual_info_classif`, which is not this.
"""

from __future__ import annotations

from typing import Any


def load() -> Any:  # noqa: ANN401
    """The function to call, and the versions."""
    import sklearn
    from serve import Refused, read
    from sklearn.feature_selection import mutual_info_regression

    def estimate(x: Any, y: Any, *, seed: int, settings: list[str], **_: Any) -> float:  # noqa: ANN401
        options = read(settings, k=3)
        if x.shape[1] > 1 or y.shape[1] > 1:
            raise Refused(f"one dimension against one, got {x.shape[1]} and {y.shape[1]}")
        found = mutual_info_regression(x, y[:, 0], n_neighbors=options["k"], random_state=seed)
        return float(found[0])

    return estimate, {"scikit-learn": sklearn.__version__}


if __name__ == "__main__":
    from serve import serve

    serve(load)

"""Reconstruction: regression from codes to raw rows."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from mineral.audit.attacks.views import Views
from mineral.audit.rows import Attack
from mineral.basics.intervals import resampled
from mineral.system.threads import quiet

RIDGES = tuple(10.0**k for k in range(-2, 6))
NEURONS = (256,)
WIDEST = 1024  # coordinates of a code

Pairs = tuple[Float[np.ndarray, "_ dz"], Float[np.ndarray, "_ dx"]]  # codes and raw rows


@dataclass(frozen=True)
class Reconstruction:
    """The reconstruction.

    Attributes:
        attack: R²; predicting the mean of training rows gives 0.
        error: Mean squared error of a coordinate, and `error_of_mean` that of the mean.
        rows: The reconstructed test rows, shape (n, dx).
    """

    attack: Attack
    error: float
    error_of_mean: float
    rows: Float[np.ndarray, "n dx"]


def attack(
    training: Pairs, validation: Pairs, test: Pairs, *, name: str = "reconstruction", seed: int = 0
) -> Reconstruction:
    """The R² of a reconstruction of raw rows, on test rows.

    Ridge regression and a network learn on training rows; validation rows choose one of them.

    Args:
        training: Codes and raw rows, row by row.
        validation: The same, of other rows.
        test: The same, of rows that decide nothing.
        name: Of the attack.
        seed: Of the network.
    """
    from sklearn.linear_model import RidgeCV
    from sklearn.neural_network import MLPRegressor

    unlabelled = np.zeros(len(training[0]), dtype=np.int64)
    views = Views.fit(training[0], unlabelled, seed=seed, widest=WIDEST)
    source, held, seen = (views.standardized(c) for c, _ in (training, validation, test))
    center = training[1].mean(axis=0)
    size = float(training[1].std()) or 1.0  # one for all: errors are of raw units
    target = (training[1] - center) / size
    models = {
        "ridge regression": RidgeCV(RIDGES),
        "a network": MLPRegressor(
            hidden_layer_sizes=NEURONS,
            alpha=1e-3,
            early_stopping=len(source) >= 100,
            n_iter_no_change=5,
            max_iter=30,
            random_state=seed,
        ),
    }
    errors = {}
    for each, model in models.items():
        with quiet():  # of training that stopped early: validation judges it
            model.fit(source, target if target.shape[1] > 1 else target.ravel())
        predicted = model.predict(held).reshape(len(held), -1) * size + center
        errors[each] = float(np.square(validation[1] - predicted).mean())
    best = min(errors, key=lambda each: errors[each])
    rows = models[best].predict(seen).reshape(len(seen), -1) * size + center
    missed = np.square(test[1] - rows).sum(axis=1)
    blind = np.square(test[1] - center).sum(axis=1)
    found = Attack(
        name=name,
        value=float(1 - missed.sum() / blind.sum()),
        interval=resampled(
            lambda drawn: float(1 - missed[drawn].sum() / blind[drawn].sum()), len(rows), seed=seed
        ),
        chance=0.0,
        unit="R²",
        how=f"{best}, the better of 2 on validation rows",
        n=len(rows),
    )
    dims = test[1].shape[1]
    return Reconstruction(
        attack=found,
        error=float(missed.mean()) / dims,
        error_of_mean=float(blind.mean()) / dims,
        rows=rows,
    )

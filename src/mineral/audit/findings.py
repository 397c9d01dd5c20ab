"""The result of an audit: one row for each encoder, and common facts."""

from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

import numpy as np
from jaxtyping import Float

from mineral.audit.rows import Attack, Measure, as_json

Hidden: TypeAlias = Literal["label", "numbers", "everything"]


@dataclass(frozen=True)
class Pictures:
    """Some test rows: originals, codes, and reconstructions.

    Attributes:
        original, reconstructed: Shape (k, dx).
        encoded: Shape (k, dz).
    """

    original: Float[np.ndarray, "k dx"]
    encoded: Float[np.ndarray, "k dz"]
    reconstructed: Float[np.ndarray, "k dx"]


@dataclass(frozen=True, kw_only=True)
class Audited:
    """The audit of one encoder.

    Attributes:
        encoder: Its name.
        dim: Coordinates of its codes.
        stochastic: Whether it adds noise, or shuffles; None where that is not known.
        utility: Accuracy, area under the curve and information with the label to keep.
        leakage: Bounds on the information about the hidden variable.
        attacks: Each with its chance level.
        leaks_by_bound: Whether a lower bound exceeds the leak through the kept label itself.
        leaks_by_attack: Whether an attack on the hidden variable exceeds the prediction from that
            label, or chance if there is no such prediction.
        pictures: For a report.
    """

    encoder: str
    dim: int
    stochastic: bool | None
    utility: tuple[Measure, ...]
    leakage: tuple[Measure, ...]
    attacks: tuple[Attack, ...]
    leaks_by_bound: bool
    leaks_by_attack: bool
    pictures: Pictures | None = field(compare=False, repr=False)

    def attack(self, name: str) -> Attack | None:
        """The attack of that name, if it was made."""
        return next((each for each in self.attacks if each.name == name), None)


@dataclass(frozen=True, kw_only=True)
class Audit:
    """The audit of all encoders.

    Attributes:
        problem: Its name.
        keep_name, hide_name: What the label and what is hidden are called; may be empty.
        hides: What is to be hidden: a label, numbers, or everything.
        floor: Nats that whoever keeps the label gives away: I(L; S), or H(L) where all is hidden.
        guess: How often the best guess of S from L alone is right; None unless S is a label.
        entropies: H(L), and H(S) where S is a label.
        encoders: The audit of each.
        n: Numbers of training, validation and test rows.
        shape: Of images, or None.
        seed: Of everything random.
        seconds: That it took.
        versions: Of Mineral, its libraries and Python.
    """

    problem: str
    keep_name: str = ""
    hide_name: str = ""
    hides: Hidden
    floor: float
    guess: float | None
    entropies: dict[str, float]
    encoders: tuple[Audited, ...]
    n: tuple[int, int, int]
    shape: tuple[int, ...] | None
    seed: int
    seconds: float = field(compare=False)
    versions: dict[str, str]

    def to_dict(self) -> dict[str, Any]:
        """All but pictures, as JSON can hold it: infinity as a text."""
        kept = ("problem", "keep_name", "hide_name", "hides", "floor", "guess", "entropies")
        made = {name: getattr(self, name) for name in (*kept, "seed", "seconds", "versions")}
        encoders = [
            {
                "encoder": each.encoder,
                "dim": each.dim,
                "stochastic": each.stochastic,
                "leaks_by_bound": each.leaks_by_bound,
                "leaks_by_attack": each.leaks_by_attack,
                "utility": [as_json(row) for row in each.utility],
                "leakage": [as_json(row) for row in each.leakage],
                "attacks": [as_json(row) for row in each.attacks],
            }
            for each in self.encoders
        ]
        return made | {"n": list(self.n), "encoders": encoders}

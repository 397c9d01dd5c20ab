"""Audit encoders on one problem: utility, leakage and attacks, on the same rows for all.

Every row has one role: training of classifiers and attacks, selection among them (validation), or
test. For an encoder that was trained on some rows, pass the seed of its `Problem.split` as `seed`,
so that the test rows are held out from it.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

import numpy as np
import torch
from jaxtyping import Float, Int

from mineral.audit import leakage
from mineral.audit import utility as usefulness
from mineral.audit.attacks import labels, matching, plaintext, reconstruction, reidentification
from mineral.audit.attacks import transfer as transferring
from mineral.audit.attacks.classifiers import panel
from mineral.audit.findings import Audit, Audited, Hidden, Pictures
from mineral.audit.rows import Attack
from mineral.errors import InputError, OptionError
from mineral.samples.columns.variable import columns
from mineral.shaping.encoder import Encoder
from mineral.shaping.neuracrypt import NeuraCrypt
from mineral.shaping.problem import Problem, best_guess, check_training, entropy, floor
from mineral.system.machine import versions
from mineral.system.progress import ProgressOption, reporting

ATTACKS = (
    "label",
    "reconstruction",
    "re-identification",
    "known plaintext",
    "transfer",
    "matching",
)
AGAINST: dict[Hidden, tuple[str, ...]] = {
    "label": ("label", "transfer"),
    "numbers": ("hidden numbers",),
    "everything": tuple(name for name in ATTACKS if name not in ("label", "transfer")),
}
"""The attacks on the hidden variable; the others have other targets."""
MATCHED = 300  # rows of a matching attack
KNOWN = 100  # pairs
SHOWN = 8  # pictures


@dataclass(frozen=True, eq=False)
class Recorded:
    """Codes from elsewhere, one for each row of a problem.

    Attributes:
        name: Their name in tables.
        codes: Shape (n, dz), finite, in the order of the problem's rows.

    Raises:
        InputError: If they are not finite.
    """

    name: str
    codes: Float[np.ndarray, "n dz"]

    @classmethod
    def of(cls, name: str, codes: Any) -> "Recorded":  # noqa: ANN401
        """From whatever can be read as numbers, images included."""
        values = columns("encoded", codes).values
        bad = ~np.isfinite(values).all(axis=1)
        if bad.any():
            raise InputError(
                f"`encoded` has a missing or infinite code, the first at row {int(bad.argmax())}: "
                "encode again, or drop these rows from both sides."
            )
        return cls(name, values)


Subject: TypeAlias = Encoder | Recorded


@dataclass(frozen=True)
class _Parts:
    """A problem's rows in three parts, by their place in the whole."""

    problem: Problem
    rows: tuple[Int[np.ndarray, " _"], Int[np.ndarray, " _"], Int[np.ndarray, " _"]]

    def labels(self, which: np.ndarray) -> list[np.ndarray]:
        return [which[rows] for rows in self.rows]

    @property
    def x(self) -> list[np.ndarray]:
        return [self.problem.x[rows] for rows in self.rows]


def audit(
    subjects: Sequence[Subject],
    problem: Problem,
    *,
    attacks: Sequence[str] = ATTACKS,
    most_rows: int = 6000,
    seed: int = 0,
    progress: ProgressOption = False,
) -> Audit:
    """Measure and attack encoders; all codes are made and checked before anything is trained.

    Args:
        subjects: Encoders, or codes from elsewhere.
        problem: Rows, the label to keep, and what to hide.
        attacks: Names of `ATTACKS`. Those that do not apply are skipped: on a label if none is
            hidden, matching if the encoder is not NeuraCrypt.
        most_rows: Maximum number of rows of the problem, chosen at random.
        seed: Of the split and everything random; for trained encoders that of their own split.
        progress: True for a bar on standard error, or a function (fraction, what is running).

    Raises:
        InputError: If codes are not finite or not as many as rows, a part has one class only, or a
            class is too rare to train on.
        OptionError: If an attack is unknown, nothing is to be audited, or the seed is negative.
        MissingExtraError: If scikit-learn is not installed.
    """
    start = time.perf_counter()
    if seed < 0:
        raise OptionError(f"`seed` must be a whole number of at least 0, got {seed}.")
    unknown = [name for name in attacks if name not in ATTACKS]
    if unknown or not subjects:
        raise OptionError(
            f"`attacks` knows {', '.join(ATTACKS)}, got {unknown[0]!r}."
            if unknown
            else "`subjects` must name at least one encoder."
        )
    named = _named(subjects)
    parts = _split(problem, most_rows, seed)
    codes = {name: _codes(each, parts, seed) for name, each in named.items()}
    with reporting(progress) as report:
        found = []
        for i, (name, subject) in enumerate(named.items()):
            report(i / len(named), f"{name} ({i + 1} of {len(named)})")
            found.append(_audited(name, subject, parts, codes[name], attacks, seed))
        report(1.0, "done")
    hides = _hides(problem)
    tested = problem.rows(parts.rows[2])
    entropies = {"L": entropy(tested.keep)}
    if hides == "label":
        entropies["S"] = entropy(np.asarray(tested.hide))
    training, validation, test = (len(rows) for rows in parts.rows)
    return Audit(
        problem=problem.name,
        keep_name=problem.keep_name,
        hide_name=problem.hide_name,
        hides=hides,
        floor=floor(problem),
        guess=best_guess(problem) if hides == "label" else None,
        entropies=entropies,
        encoders=tuple(found),
        n=(training, validation, test),
        shape=problem.shape,
        seed=seed,
        seconds=time.perf_counter() - start,
        versions=dict(versions()),
    )


def _hides(problem: Problem) -> Hidden:
    if problem.hide is None:
        return "everything"
    return "label" if problem.hide.ndim == 1 else "numbers"


def _named(subjects: Sequence[Subject]) -> dict[str, Subject]:
    """By name, each name once."""
    found: dict[str, Subject] = {}
    for each in subjects:
        name, k = each.name, 2
        while name in found:
            name, k = f"{each.name} {k}", k + 1
        found[name] = each
    return found


def _split(problem: Problem, most_rows: int, seed: int) -> _Parts:
    """The rows of `Problem.split`, up to a maximum number."""
    places = np.arange(len(problem), dtype=np.float64)[:, None]
    marked = replace(problem, x=places, shape=None, columns=())
    parts = [part.x[:, 0].astype(np.int64) for part in marked.split(seed=seed)]
    share = min(1.0, most_rows / len(problem))
    rng = np.random.default_rng(seed)
    a, b, c = (
        np.sort(rng.permutation(rows)[: max(20, round(share * len(rows)))]) for rows in parts
    )
    for rows in (a, b, c):
        problem.rows(rows)  # which refuses one class only
    check_training(problem, problem.rows(a))
    return _Parts(problem, (rng.permutation(a), rng.permutation(b), rng.permutation(c)))


def _codes(subject: Subject, parts: _Parts, seed: int) -> list[np.ndarray]:
    """Of each part, with noise of its own; refused here if they cannot be used."""
    if isinstance(subject, Recorded):
        if len(subject.codes) != len(parts.problem):
            raise InputError(
                f"`{subject.name}` must have a code for each of the {len(parts.problem):,} rows, "
                f"got {len(subject.codes):,}."
            )
        return [subject.codes[rows] for rows in parts.rows]
    return [subject.encode(x, seed=3 * seed + i) for i, x in enumerate(parts.x)]


def _exposed(subject: Subject, codes: list[np.ndarray]) -> list[np.ndarray]:
    """Codes as an adversary prepares them: the shuffle of NeuraCrypt is undone."""
    if not (isinstance(subject, NeuraCrypt) and subject.shuffle):
        return codes
    cut = [part.reshape(len(part), subject.patches, subject.width) for part in codes]
    reference = matching.align(cut[0][:MATCHED])[1]
    return [matching.align(part, reference)[0].reshape(len(part), -1) for part in cut]


def _pooled(subject: Subject, x: np.ndarray, codes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Raw rows and codes whose patches are averaged, where they are patches."""
    if not isinstance(subject, NeuraCrypt):
        return x, codes
    plain = subject.cut(torch.from_numpy(np.asarray(x, np.float32))).mean(dim=1).numpy()
    return plain, codes.reshape(len(codes), subject.patches, -1).mean(axis=1)


def _audited(
    name: str,
    subject: Subject,
    parts: _Parts,
    given: list[np.ndarray],
    chosen: Sequence[str],
    seed: int,
) -> Audited:
    problem = parts.problem
    codes = _exposed(subject, given)
    keep = list(zip(codes, parts.labels(problem.keep), strict=True))
    readers = panel(keep[0], keep[1], classes=problem.classes, seed=seed)
    useful = usefulness.of_label(readers, keep[2], seed=seed)
    hides = _hides(problem)
    encoder = subject if isinstance(subject, Encoder) else None
    noisy = None if encoder is None else encoder.stochastic
    known = leakage.channel(encoder, parts.x[2])
    everything = leakage.of_everything(given[2], known, stochastic=noisy)
    above = tuple(each for each in everything if each.side == "upper bound")
    made: list[Attack] = []
    if hides == "label":
        hidden = np.asarray(problem.hide)
        classes = int(hidden.max()) + 1
        secret = list(zip(codes, parts.labels(hidden), strict=True))
        adversaries = panel(secret[0], secret[1], classes=classes, seed=seed)
        guessed = labels.of_panel(adversaries, secret[2])
        leaked = leakage.of_label(
            adversaries, secret[2], symbol="S", attack=guessed, above=above, seed=seed
        )
        made += [guessed] if "label" in chosen else []
    elif hides == "numbers":
        hidden = np.asarray(problem.hide, np.float64)
        leaked = leakage.of_numbers(hidden[parts.rows[2]], codes[2], above=above, seed=seed)
        if "label" in chosen:
            numbers = zip(codes, parts.labels(hidden), strict=True)
            made.append(reconstruction.attack(*numbers, name="hidden numbers", seed=seed).attack)
    else:
        leaked = everything
    pictures = None
    if "reconstruction" in chosen:
        pairs = zip(codes, parts.x, strict=True)
        rebuilt = reconstruction.attack(*pairs, seed=seed)
        made.append(rebuilt.attack)
        pictures = Pictures(parts.x[2][:SHOWN], given[2][:SHOWN], rebuilt.rows[:SHOWN])
    made += _matchings(subject, parts, given, codes, chosen, seed)
    known_floor = floor(problem)
    return Audited(
        encoder=name,
        dim=given[2].shape[1],
        stochastic=noisy,
        utility=tuple(useful),
        leakage=tuple(leaked),
        attacks=tuple(made),
        leaks_by_bound=any(
            each.side == "lower bound" and each.interval[0] > known_floor for each in leaked
        ),
        leaks_by_attack=any(
            each.interval[0] > _blind(each, problem) for each in made if each.name in AGAINST[hides]
        ),
        pictures=pictures,
    )


def _blind(attack: Attack, problem: Problem) -> float:
    """The accuracy of predictions from the kept label alone, without the code."""
    if attack.name in ("label", "transfer"):
        return max(attack.chance, best_guess(problem))
    return attack.chance


def _matchings(
    subject: Subject,
    parts: _Parts,
    given: list[np.ndarray],
    codes: list[np.ndarray],
    chosen: Sequence[str],
    seed: int,
) -> list[Attack]:
    """Attacks by matching rows with codes, and attacks without pairs."""
    x, few = parts.x, slice(0, MATCHED)
    raw, averaged = _pooled(subject, x[2], given[2])
    own = _pooled(subject, x[0], given[0])[0]
    known = min(KNOWN, len(x[2]) // 3)
    possible: dict[str, Callable[[], Attack]] = {
        "re-identification": lambda: reidentification.attack(raw[few], averaged[few], seed=seed),
        "known plaintext": lambda: plaintext.attack(
            x[2][: MATCHED + known], codes[2][: MATCHED + known], known=known, seed=seed
        ),
    }
    if known < 8:
        del possible["known plaintext"]
    if _hides(parts.problem) == "label":
        hidden = np.asarray(parts.problem.hide)
        possible["transfer"] = lambda: transferring.attack(
            own,
            hidden[parts.rows[0]],
            averaged,
            hidden[parts.rows[2]],
            classes=int(hidden.max()) + 1,
            seed=seed,
        )
    if isinstance(subject, NeuraCrypt) and subject.depth >= 0:
        possible["matching"] = lambda: matching.attack(x[2][few], subject, seed=seed)
    return [make() for name, make in possible.items() if name in chosen]

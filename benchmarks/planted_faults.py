"""Faults planted in the default, one at a time: does a test fail for each?

python benchmarks/planted_faults.py [--only TEXT]      TEXT of a file, a line or a reason

A fault is a constant, branch, sign, comparison or step that is changed in a copy of the tracked
files. It is caught where one of the tests named for its file fails, and survives where all pass.
The exit status is 1 if any survives, and 2 where the table no longer fits the source.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parent.parent
PASSED, FAILED = 0, 1  # exit statuses of pytest; others mean that it could not run the tests
SECONDS = 300  # of the tests of one fault; a fault that makes them run on is caught
PLAIN = ("-o", "addopts=", "-m", "not slow and not gpu", "-p", "no:cacheprovider")


@dataclass(frozen=True)
class Fault:
    """A change of one place in the source, and the tests that must fail for it."""

    file: str
    text: str
    replacement: str
    reason: str
    tests: tuple[str, ...]

    @property
    def line(self) -> str:
        """The change as printed."""
        return f"{self.text.strip()}  →  {self.replacement.strip() or '(dropped)'}"


# File → the tests that must catch its faults, and each fault: text, replacement, reason.
Changes = tuple[tuple[str, str, str], ...]
TABLE: dict[str, tuple[tuple[str, ...], Changes]] = {
    "methods/default/comparison.py": (
        ("tests/test_comparison.py",),
        (
            ("\nSIGNIFICANT = 2.0", "\nSIGNIFICANT = 1.0", "noise replaces an estimate"),
            ("\nSIGNIFICANT = 2.0", "\nSIGNIFICANT = 10.0", "significant dependence is ignored"),
            ("LEAST = 1e-3", "LEAST = 0.0", "differences by rounding count"),
            ("LEAST = 1e-3", "LEAST = 1e-1", "weak dependence is ignored"),
            ("if rival.is_trained and", "if False and", "a network's held-out score is ignored"),
            (
                "Evidence.LEARNED and bool(self.found.curves)",
                "Evidence.LEARNED",
                "a network that was not trained wins",
            ),
            ("self.is_trained or self", "self", "neighbours are averaged with networks"),
            (
                "<= FEW_DIMS and not best.falls_short",
                "<= FEW_DIMS",
                "neighbours are averaged with lower bounds",
            ),
            (
                "max(difference, -max(best, 0.0)) if difference < 0 else difference",
                "difference",
                "a negative estimate counts as evidence for less than 0",
            ),
            ("min(error, rival", "max(error, rival", "bounds lose to noise"),
            ("(difference > max", "(abs(difference) > max", "smaller values win"),
            ("1 - (error / difference) ** 2", "1 - error / difference", "not James and Stein's"),
            ("0.0 if abs(difference) <=", "0.0 if difference <=", "smaller values have no share"),
            (".std() / np.sqrt(len(samples))", ".std()", "an error that does not shrink"),
        ),
    ),
    "methods/shares.py": (
        ("tests/test_comparison.py", "tests/test_search.py"),
        (
            (
                "row.weight / total, abs",
                "row.weight, abs",
                "shares of three candidates do not add up",
            ),
            (
                "Verdict.AVERAGED if left else Verdict.SUPERSEDED",
                "Verdict.SUPERSEDED if left else Verdict.AVERAGED",
                "verdicts are swapped",
            ),
            (
                "Verdict.AVERAGED if weight else Verdict.NOT_LARGER",
                "Verdict.NOT_LARGER if weight else Verdict.AVERAGED",
                "verdicts are swapped",
            ),
            ("row.weight * left", "row.weight", "weights do not sum to 1"),
            (
                "value=(1 - weight) * best.value + weight * rival.value",
                "value=weight * best.value + (1 - weight) * rival.value",
                "shares are swapped",
            ),
            ("np.hypot(spread, wrong)", "spread", "a wrong weight has no error"),
        ),
    ),
    "methods/default/search.py": (
        ("tests/test_search.py",),
        (
            ("EVIDENCE_ROWS = 5_000", "EVIDENCE_ROWS = 50_000", "many rows take minutes"),
            (
                "best = replace(best, found=found)",
                "pass",
                "rows beyond 5,000 are not used",
            ),
            (
                "run.rng().permutation(n)[:EVIDENCE_ROWS]",
                "np.arange(n)[:EVIDENCE_ROWS]",
                "sorted tables: the head is compared",
            ),
            (" and profile.ties == 0", "", "random draws that break ties end the search"),
            ("profile.n >= CONCLUSIVE_ROWS and", "", "few residuals look independent"),
            (
                "candidate.ends and weight == 1.0",
                "candidate.ends",
                "a rejected fit ends the search",
            ),
            ("enough and answer.found.residual_is_independent", "enough", "the test is ignored"),
            ("best is not None and run.late", "best is not None and False", "no time budget"),
            ("        return 0.0\n", "        pass\n", "tables get an allowance"),
            ("candidate.trains and level", "candidate.trains and not level", "fast trains"),
            ("5 * noise", "0 * noise", "a caution for every difference by chance"),
            ("if row.weight >= SHARED]", "]", "a caution where the comparison is clear"),
        ),
    ),
    "methods/default/candidates.py": (
        ("tests/test_search.py",),
        (("p.fits_a_copula and p.dims > FEW_DIMS", "p.fits_a_copula", "networks in few columns"),),
    ),
    "methods/default/profile.py": (
        ("tests/test_comparison.py", "tests/test_search.py"),
        (
            ("FEW_DIMS = 3", "FEW_DIMS = 2", "neighbours of three columns are not averaged"),
            ("FEW_DIMS = 3", "FEW_DIMS = 6", "biased neighbours are averaged"),
            ("ROWS_PER_CELL = 5", "ROWS_PER_CELL = 1", "tables of nearly empty cells"),
            ("ROWS_PER_CELL = 5", "ROWS_PER_CELL = 20", "well filled tables are not counted"),
        ),
    ),
    "methods/default/views.py": (
        ("tests/test_search.py",),
        (
            (
                "order = canonical_order(samples.x, samples.y)",
                "order = np.arange(len(samples))",
                "the order of rows changes the value",
            ),
            ("axis=0)) <= len(", "axis=0)) > len(", "the numbers are the label"),
        ),
    ),
    "methods/default/bias_allowance.py": (
        ("tests/test_search.py",),
        (
            ("math.sqrt(REFERENCE_ROWS / n)", "REFERENCE_ROWS / n", "intervals too short"),
            ("few = dims <= FEW_DIMS", "few = dims > FEW_DIMS", "shares are swapped"),
            ("min(1.0, share * scale)", "share * scale", "more than the value itself"),
            ("unseen * scale)", "0.0)", "no allowance at independence"),
        ),
    ),
    "methods/wrappers/by_atoms.py": (
        ("tests/test_wrappers.py",),
        (
            ("        (everywhere, a, b),\n", "", "I(A; B) is left out"),
            ("        (~at[1], a, samples.y),\n", "", "I(A; Y | B) is left out"),
            ("        (~at[0], samples.x, b),\n", "", "I(X; B | A) is left out"),
            (
                "        (~at[0] & ~at[1], samples.x, samples.y),\n",
                "",
                "I(X; Y | A, B) is left out",
            ),
            (" / np.sqrt(len(samples))", "", "an error that does not shrink"),
            ("_between(kept) /", "0.0 /", "the spread of the shares has no error"),
            ("share * part.stderr for", "part.stderr for", "errors of terms are not weighted"),
            ("EXCESS = 5", "EXCESS = 1", "ratings have an atom"),
        ),
    ),
    "methods/wrappers/by_block.py": (
        ("tests/test_wrappers.py",),
        (
            (
                "if difference > least",
                "if -difference > least",
                "blocks are dropped where they show more",
            ),
            ("SIGNIFICANT = 2.0", "SIGNIFICANT = 1.0", "a sum is reported by chance"),
            ("SIGNIFICANT = 2.0", "SIGNIFICANT = 10.0", "dependence between blocks is ignored"),
            ("-least and len", "-1e9 and len", "the full search is never asked for"),
        ),
    ),
    "methods/wrappers/independent_blocks.py": (
        ("tests/test_wrappers.py",),
        (
            (" and _correlate(pointwise):", " and False:", "dependent blocks are summed"),
            ("part.stderr**2 for", "part.stderr for", "errors of blocks are not added in squares"),
        ),
    ),
    "methods/wrappers/consistent.py": (
        ("tests/test_wrappers.py",),
        (
            ("NO_SIGN = 0.2", "NO_SIGN = 0.8", "intervals contradict the permutation test"),
            ("NO_SIGN = 0.2", "NO_SIGN = 0.01", "weak signs of dependence are ignored"),
            ("BEYOND_DOUBT = 6.0", "BEYOND_DOUBT = 1.0", "the test is not used"),
            ("BEYOND_DOUBT = 6.0", "BEYOND_DOUBT = 60.0", "strong dependence is doubted"),
            (" / math.sqrt(samples.rows_a_draw)", "", "intervals of series reach too far down"),
        ),
    ),
    "methods/wrappers/distinct.py": (
        ("tests/test_wrappers.py",),
        (
            ("COPIES = 0.02", "COPIES = 0.2", "copied rows count as evidence"),
            ("COPIES = 0.02", "COPIES = 0.0", "the caution without any copies"),
            ("found |= (", "found |= True | (", "equal rows of counts are dropped"),
            ("UNEVEN = 0.5", "UNEVEN = 0.0", "copies of every row are counted as a table"),
            ("ROWS_PER_CELL = 3", "ROWS_PER_CELL = 500", "sales of products count once"),
        ),
    ),
    "methods/wrappers/time_series.py": (
        ("tests/test_time_series.py", "tests/test_wrappers.py"),
        (
            ("rng.permuted(np.tile(", "np.array(np.tile(", "a phase that may alias with a period"),
            ("EVEN_PARTS = 5", "EVEN_PARTS = 2", "the excess of a grid is not reduced"),
            ("found.value > STRONG and", "", "a grid costs rows at weak dependence"),
            ("/ math.sqrt(m)", "/ 1", "the error of a part, not of all rows"),
            ("len(samples) >= EVEN_ROWS and", "", "parts too small for strong dependence"),
        ),
    ),
    "samples/ties.py": (
        ("tests/test_search.py",),
        (
            ("rng.uniform(-0.5, 0.5,", "rng.uniform(-1.5, 1.5,", "values change places"),
            ("wide.min()", "wide.max()", "values move by more than the rounding"),
            ("counts[which] > 1\n", "counts[which] > 0\n", "values that occur once move"),
            ("EVEN = -4.0", "EVEN = 0.0", "half of all samples look like a grid"),
            ("EVEN = -4.0", "EVEN = -40.0", "a grid is not recognized"),
        ),
    ),
    "decision.py": (
        ("tests/test_search.py",),
        (
            ("key=lambda each: -each.weight", "key=lambda each: each.weight", "the lightest first"),
            ("SHOWN = 0.01", "SHOWN = 0.0", "negligible weights are named"),
            ("if main is baseline:", "if main is not baseline:", "sentences are swapped"),
        ),
    ),
    "methods/base.py": (
        ("tests/test_search.py",),
        (
            (
                "max(_entropy_of_a_label(samples), found.value)",
                "math.inf",
                "an interval exceeds the entropy of a label",
            ),
            ("caps = [math.inf]", "caps = [0.0]", "no interval reaches above the value"),
        ),
    ),
}


def faults() -> Iterator[Fault]:
    """All of the table."""
    for file, (tests, changes) in TABLE.items():
        for text, replacement, reason in changes:
            yield Fault(f"src/mineral/{file}", text, replacement, reason, tests)


def refuse_stale(chosen: list[Fault]) -> None:
    """Refuse a table whose texts do not each occur once, with all of them."""
    stale = [
        f"{fault.file} has {count} places that read {fault.text!r}: there must be one. "
        "Change the table, in benchmarks/planted_faults.py."
        for fault in chosen
        if (count := (ROOT / fault.file).read_text().count(fault.text)) != 1
    ]
    if stale:
        print("\n".join(stale), file=sys.stderr)
        sys.exit(2)


def copied(folder: Path) -> None:
    """The tracked files as they are, committed or not."""
    listed = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True, text=True
    )
    for name in filter(None, listed.stdout.split("\0")):
        if (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(ROOT / name, folder / name)


def status(folder: Path, tests: tuple[str, ...]) -> int:
    """The exit status of pytest on these tests of the copy."""
    environment = os.environ | {"PYTHONPATH": str(folder / "src"), "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-m", "pytest", "-x", "-q", *PLAIN, *tests]
    try:
        run = subprocess.run(
            command, cwd=folder, env=environment, capture_output=True, timeout=SECONDS, text=True
        )
    except subprocess.TimeoutExpired:
        return FAILED
    if run.returncode not in (PASSED, FAILED):
        print(run.stdout[-2000:], run.stderr[-2000:], file=sys.stderr)
    return run.returncode


def write(path: Path, source: str) -> None:
    """Write a module, and remove its compiled file.

    Python recognizes an old compiled file by the size and the second of the last change of the
    source, and a planted "1.0" is as long as the "3.0" that it replaces.
    """
    path.write_text(source)
    for compiled in (path.parent / "__pycache__").glob(f"{path.stem}.*.pyc"):
        compiled.unlink()


def verdict(folder: Path, fault: Fault) -> str:
    """Whether the tests of a fault fail for it."""
    path = folder / fault.file
    original = path.read_text()
    write(path, original.replace(fault.text, fault.replacement))
    try:
        return {PASSED: "SURVIVED", FAILED: "caught"}.get(status(folder, fault.tests), "NOT RUN")
    finally:
        write(path, original)


def main() -> int:
    """Plant the faults that are chosen, and print what becomes of each."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", default="", metavar="TEXT", help="of a file, line or reason")
    only = parser.parse_args().only
    every = list(faults())
    refuse_stale(every)
    chosen = [each for each in every if only in f"{each.file} {each.line} {each.reason}"]
    if not chosen:
        print(f"No fault has {only!r} in its file, line or reason.", file=sys.stderr)
        return 2
    start, results = time.monotonic(), []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        copied(folder)
        tests = tuple(sorted({test for fault in chosen for test in fault.tests}))
        if status(folder, tests) != PASSED:
            print(f"Without a fault, these must pass: {' '.join(tests)}.", file=sys.stderr)
            return 2
        for fault in chosen:
            results.append(verdict(folder, fault))
            line = " ".join(fault.line.split())
            print(f"{results[-1]:9} {fault.file}: {line}  ({fault.reason})", flush=True)
    caught = results.count("caught")
    print(f"{caught} of {len(results)} caught, in {time.monotonic() - start:.0f} seconds.")
    return int(caught < len(results))


if __name__ == "__main__":
    sys.exit(main())

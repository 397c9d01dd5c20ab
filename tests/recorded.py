"""What a run of tests found, from the JUnit XML files that pytest writes, as a Markdown table.

    python tests/recorded.py FOLDER > tests/slow.md

One row for each file of tests: how many passed, failed and were skipped, and their seconds; then
the names of those that failed. The date is that of the latest file in FOLDER.
"""

import subprocess
import sys
from collections import defaultdict
from importlib.metadata import version
from pathlib import Path
from xml.etree import ElementTree

COLUMNS = ("passed", "failed", "skipped")
HERE = Path(__file__).parent


def results(folder):
    """Each test's file, name, result and seconds, and the latest date of a run.

    Raises:
        ValueError: If the folder has no XML file.
    """
    found, dates = [], []
    for path in sorted(Path(folder).glob("*.xml")):
        # The files are those that pytest has written on this machine.
        suite = ElementTree.parse(path).getroot().find("testsuite")
        dates.append(suite.get("timestamp")[:10])
        for case in suite.iter("testcase"):
            kinds = {child.tag for child in case}
            failed = kinds & {"failure", "error"}
            result = "failed" if failed else "skipped" if "skipped" in kinds else "passed"
            module = case.get("classname").removeprefix("tests.").split(".")[0]
            found.append((module, case.get("name"), result, float(case.get("time"))))
    if not dates:
        raise ValueError(f"{folder} has no XML file: run pytest with --junitxml.")
    return found, max(dates)


def page(folder, commit):
    """The Markdown of all results in a folder, at a commit."""
    found, date = results(folder)
    counts = defaultdict(lambda: dict.fromkeys((*COLUMNS, "seconds"), 0))
    for module, _, result, seconds in found:
        counts[module][result] += 1
        counts[module]["seconds"] += seconds
    total = {key: sum(row[key] for row in counts.values()) for key in (*COLUMNS, "seconds")}
    versions = f"Python {'.'.join(map(str, sys.version_info[:3]))}, torch {version('torch')}"
    lines = [
        "# The last run of the slow tests",
        "",
        f"`make test-slow` on {date}, at commit {commit}, {versions}: "
        f"{total['passed']} passed, {total['failed']} failed, {total['skipped']} skipped.",
        "",
        "| tests | passed | failed | skipped | seconds |",
        "|---|--:|--:|--:|--:|",
    ]
    for module in sorted(counts):
        numbers = " | ".join(f"{counts[module][key]:.0f}" for key in (*COLUMNS, "seconds"))
        lines.append(f"| {module} | {numbers} |")
    failed = [f"- {module}: `{name}`" for module, name, result, _ in found if result == "failed"]
    if failed:
        lines += ["", "Failed:", "", *failed]
    return "\n".join(lines) + "\n"


def main():
    command = ["git", "rev-parse", "--short", "HEAD"]
    commit = subprocess.run(command, cwd=HERE, capture_output=True, text=True, check=False)
    sys.stdout.write(page(sys.argv[1], commit.stdout.strip() or "unknown"))


if __name__ == "__main__":
    main()

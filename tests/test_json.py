"""The documented JSON: its keys and its codes are those of the code."""

import re
from pathlib import Path

import numpy as np
from sentences import codes

import mineral
from mineral.decision import Verdict
from mineral.results import SCHEMA

ROOT = Path(__file__).parent.parent
PAGE = (ROOT / "docs" / "json.md").read_text()
KEYS, CODES = PAGE.split("## Codes of warnings")


def first_column(text):
    return re.findall(r"^\| `([\w-]+)` \|", text, flags=re.MULTILINE)


def test_every_key_is_documented():
    x = np.random.default_rng(0).standard_normal((60, 2))
    found = mineral.estimate(x, x + 1, budget="fast").to_dict()
    assert first_column(KEYS) == list(found)
    assert found["schema"] == SCHEMA == 1 and f"keys: {SCHEMA} |" in KEYS
    considered = found["decision"]["considered"][0]
    assert all(f"`{key}`" in KEYS for key in (*found["decision"], *considered))
    assert all(f"`{verdict.value}`" in KEYS for verdict in Verdict)
    assert found["x_names"] == ["x0", "x1"]


def test_every_code_of_a_warning_is_documented():
    listed = set(first_column(CODES)) | set(re.findall(r"`([\w-]+)`", CODES.split("loops:")[1]))
    assert listed == codes()


def test_every_key_of_a_network_is_documented():
    x, e = np.random.default_rng(0).standard_normal((2, 100))
    network = mineral.network({"x": x, "y": np.roll(x, 1) + e}, max_lag=2).to_dict()
    section = KEYS.split("## JSON of a network")[1]
    keys = re.findall(r"`(\w+)`", section.split("\n|---", 1)[1])
    assert network["schema"] == 1 and network["links"][0]["significant"]
    expected = {*network, *network["links"][0], *network["targets"][0]}
    assert expected <= set(keys)

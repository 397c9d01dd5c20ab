"""Colours of pictures survive colour blindness, by simulation.

Machado, Oliveira & Fernandes (2009), A physiologically-based model for simulation of color vision
deficiency, IEEE TVCG 15, doi:10.1109/TVCG.2009.113: the matrices of severity 1, for linear RGB.
"""

import itertools
import re
from pathlib import Path

import numpy as np
import pytest

import mineral
from mineral.figures.style import DIVERGING, FOLDS, INK, SERIES

VISIONS = {
    "normal": np.eye(3),
    "protanopia": [
        [0.152286, 1.052583, -0.204868],
        [0.114503, 0.786281, 0.099216],
        [-0.003882, -0.048116, 1.051998],
    ],
    "deuteranopia": [
        [0.367322, 0.860646, -0.227968],
        [0.280085, 0.672501, 0.047413],
        [-0.011820, 0.042940, 0.968881],
    ],
    "tritanopia": [
        [1.255528, -0.076749, -0.178779],
        [-0.078411, 0.930809, 0.147602],
        [0.004733, 0.691367, 0.303900],
    ],
}
XYZ = np.array(  # of linear sRGB, IEC 61966-2-1
    [
        [0.4124564, 0.3575761, 0.1804375],
        [0.2126729, 0.7151522, 0.0721750],
        [0.0193339, 0.1191920, 0.9503041],
    ]
)
OKABE_ITO = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#D55E00", "#56B4E9", "#000000")


def linear(colour):
    """Linear RGB of `#rrggbb`."""
    levels = np.array([int(colour[i : i + 2], 16) for i in (1, 3, 5)]) / 255
    return np.where(levels <= 0.04045, levels / 12.92, ((levels + 0.055) / 1.055) ** 2.4)


def lab(colour, vision):
    """CIELAB coordinates of a colour as this vision sees it, for the white of D65."""
    seen = np.clip(np.asarray(VISIONS[vision]) @ linear(colour), 0, 1)
    ratio = (XYZ @ seen) / (XYZ @ np.ones(3))
    root = np.where(ratio > 216 / 24389, np.cbrt(ratio), (24389 / 27 * ratio + 16) / 116)
    return np.array([116 * root[1] - 16, 500 * (root[0] - root[1]), 200 * (root[1] - root[2])])


def closest(colours, vision):
    """The smallest difference of any two colours: CIE 1976."""
    places = [lab(colour, vision) for colour in colours]
    return min(np.linalg.norm(a - b) for a, b in itertools.combinations(places, 2))


def test_the_simulation_keeps_white_and_merges_red_with_green():
    for vision in VISIONS:
        np.testing.assert_allclose(lab("#ffffff", vision), [100, 0, 0], atol=0.01)
    red_and_green = ("#b05a3c", "#6b7d3a")
    assert closest(red_and_green, "normal") > 30 > 10 > closest(red_and_green, "deuteranopia")


@pytest.mark.parametrize("vision", VISIONS)
def test_colours_of_lines_differ_for_every_vision(vision):
    assert closest((*SERIES, INK), vision) >= 20 > closest(OKABE_ITO, "tritanopia")
    assert set(FOLDS) <= set(SERIES)


@pytest.mark.parametrize("vision", VISIONS)
def test_signs_of_pointwise_information_differ_for_every_vision(vision):
    assert closest((DIVERGING[0], DIVERGING[2], DIVERGING[-1]), vision) >= 20


def test_colours_of_lines_are_visible_on_white():
    """2.4 to 1; W3C asks for 3 to 1 of graphics, which orange on white does not have."""
    for colour in SERIES:
        assert 1.05 / (float(XYZ[1] @ linear(colour)) + 0.05) >= 2.4


def test_no_module_has_a_palette_of_its_own():
    source = Path(mineral.__file__).parent
    for path in source.rglob("*.py"):
        if path.name != "style.py":
            text = path.read_text(encoding="utf-8")
            assert not re.search(r"""(?:["']#[0-9a-f]{6}["'],?\s*){3}""", text), path

"""Marks that several test files share."""

import os

import pytest

# CI names a folder with MNIST in it wherever there is one.
needs_mnist = pytest.mark.skipif(
    not os.environ.get("MINERAL_DATA"), reason="MINERAL_DATA names no folder with mnist/"
)

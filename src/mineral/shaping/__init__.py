"""Encoders that keep the information for one task and hide the rest.

Read in this order:

    problem.py     the problem: features, the label to keep, the variable to hide
    data.py        problems of the literature, and folders of images
    encoder.py     an encoder, and its file; files.py the kinds that a file may hold
    network.py, simple.py, neuracrypt.py  networks; baselines; NeuraCrypt
    shape.py       trains an encoder; objective.py its terms, rows.py their inputs
    measure.py     kept and leaked information on held-out rows
    frontier.py    a sweep of β
"""

from mineral.shaping.encoder import Encoder, save_encoder
from mineral.shaping.files import load_encoder
from mineral.shaping.network import ModuleEncoder, Network
from mineral.shaping.problem import Problem
from mineral.shaping.shape import History, Shaped, Shaping, shape
from mineral.shaping.simple import (
    AdditiveNoise,
    Linear,
    Raw,
    noise_like,
    pca,
    random_network,
    random_projection,
)

__all__ = [
    "AdditiveNoise",
    "Encoder",
    "History",
    "Linear",
    "ModuleEncoder",
    "Network",
    "Problem",
    "Raw",
    "Shaped",
    "Shaping",
    "load_encoder",
    "noise_like",
    "pca",
    "random_network",
    "random_projection",
    "save_encoder",
    "shape",
]

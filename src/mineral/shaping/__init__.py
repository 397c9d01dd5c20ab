"""Encoders that keep the information for one task and hide the rest."""

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

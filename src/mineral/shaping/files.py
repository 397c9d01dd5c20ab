"""The kinds of encoders that a file may hold. Nothing in a file is run."""

import os
from functools import partial

from torch import nn

from mineral.models import base
from mineral.models.base import Rebuild, Stored
from mineral.shaping.encoder import Encoder
from mineral.shaping.network import rebuild_network
from mineral.shaping.neuracrypt import rebuild_neuracrypt
from mineral.shaping.simple import named, rebuild_linear, rebuild_noise, rebuild_raw


def load_encoder(path: str | os.PathLike[str], *, module: nn.Module | None = None) -> Encoder:
    """Read an encoder that `save_encoder` wrote.

    Args:
        path: The file.
        module: One like that which was saved, if it was a module of your own; its weights are
            replaced in a copy.

    Raises:
        InputError: If the file is missing, damaged, or not an encoder of Mineral's.
        OptionError: If it needs `module`, or has weights that do not fit it.
    """
    # What reads models reads encoders: the same header, the same distrust.
    return base.read(path, None, KINDS | {"network": partial(_network, module=module)})


def _network(stored: Stored, module: nn.Module | None) -> Encoder:
    return rebuild_network(stored, named(stored), module)


KINDS: dict[str, Rebuild[Encoder]] = {
    "raw": rebuild_raw,
    "noise": rebuild_noise,
    "linear": rebuild_linear,
    "neuracrypt": rebuild_neuracrypt,
    "network": partial(_network, module=None),
}
"""What makes an encoder of a stored file, by kind."""

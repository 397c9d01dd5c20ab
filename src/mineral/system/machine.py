"""The machine and its libraries, as results note them; devices by name."""

import contextlib
import os
import platform
from functools import cache
from importlib.metadata import version
from pathlib import Path

import numpy as np
import scipy
import torch

from mineral.errors import OptionError


def machine() -> dict[str, str | int | None]:
    """The operating system with its architecture, and the number of cores."""
    return {"system": f"{platform.system()} {platform.machine()}", "cores": os.cpu_count()}


def versions() -> dict[str, str]:
    """Versions of Mineral, of its libraries and of Python, and the processor."""
    return {
        "mineral": version("mineral"),
        "python": platform.python_version(),
        "torch": torch.__version__,
        "numpy": np.__version__,
        "scipy": scipy.__version__,
        "processor": _processor(),
    }


@cache
def _processor() -> str:
    """The processor's model name if known, or the architecture."""
    with contextlib.suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text(errors="replace").splitlines():
            key, _, value = line.partition(":")
            if key.strip() == "model name" and value.strip():
                return value.strip()
    return platform.processor() or platform.machine() or "unknown"


def device_named(name: str | torch.device | None) -> torch.device:
    """The device of that name: the CPU without one.

    Raises:
        OptionError: If it cannot compute here.
    """
    try:
        device = torch.device("cpu" if name is None else name)
        torch.zeros(1, device=device).cpu()  # `meta` computes, but holds no values
    except (RuntimeError, AssertionError, NotImplementedError, TypeError):
        raise OptionError(f"`device` {name!r} is not available here: use device='cpu'.") from None
    return device

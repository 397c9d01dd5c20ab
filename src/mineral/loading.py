"""Model files, read back without trust: `mineral.models` does it, one kind of model a file."""

from mineral.models import load

__all__ = ["load"]

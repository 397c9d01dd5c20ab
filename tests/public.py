"""The public names: of `mineral`, and of the modules that it exports."""

import importlib
import inspect

MODULES = (
    "mineral",
    "mineral.bounds",
    "mineral.critics",
    "mineral.gradients",
    "mineral.learning",
    "mineral.stability",
    "mineral.tasks",
)


def public_names(module):
    """Each public name with its object: those of `__all__`, or defined in the module."""
    loaded = importlib.import_module(module)
    if hasattr(loaded, "__all__"):
        found = {name: getattr(loaded, name) for name in loaded.__all__}
        return {name: each for name, each in found.items() if not inspect.ismodule(each)}
    return {
        name: each
        for name, each in vars(loaded).items()
        if not name.startswith("_") and getattr(each, "__module__", None) == module
    }

"""Samples whose mutual information is known: to judge estimators by."""

from mineral.tasks.task import Draw, Sampler, Task

__all__ = ["Draw", "Sampler", "Task"]

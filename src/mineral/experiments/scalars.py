"""Curves of training: what a cell logs, for TensorBoard and for the cell's own file."""

from pathlib import Path
from typing import Any

from mineral.errors import MissingExtraError


def writer() -> Any:  # noqa: ANN401
    """The class that writes for TensorBoard.

    Raises:
        MissingExtraError: If tensorboard is not installed.
    """
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError:
        raise MissingExtraError("`--tensorboard`", "tensorboard") from None
    return SummaryWriter


class Scalars:
    """Called as log(name, value, step): by name, `found` has pairs of step and value.

    Args:
        folder: Of TensorBoard's files; made when something is logged.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.found: dict[str, list[tuple[int, float]]] = {}
        self._writer: Any = None

    def __call__(self, name: str, value: float, step: int) -> None:
        """Note a value at a step."""
        if self._writer is None:
            # What a killed run had logged from this step on is superseded.
            self._writer = writer()(str(self.folder), purge_step=step)
        self._writer.add_scalar(name, value, step)
        self.found.setdefault(name, []).append((step, float(value)))

    def close(self) -> None:
        """Write what still waits."""
        if self._writer is not None:
            self._writer.close()

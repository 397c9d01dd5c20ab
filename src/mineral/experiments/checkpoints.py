"""Checkpoints: a training run in one file, from which it resumes exactly after a kill.

    checkpoint = Checkpoint(context.folder, network=network, optimizer=optimizer, rng=rng)
    for step in checkpoint.steps(5000, every=500):  # from where it was, saved as it goes
        ...
    checkpoint.remove()                             # once its numbers are known

Exact if every part that changes is named: networks, optimizers, schedules, averages, generators,
and lists of what was noted on the way. The `Chance` from which the training draws is kept unnamed.
The file is safetensors: tensors as they are, and how they belong together as JSON in its header, so
that reading it can run nothing.
"""

import contextlib
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import torch
from torch import Tensor, nn
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler

from mineral.errors import InputError, OptionError
from mineral.system import storage
from mineral.system.chance import Chance

Generator: TypeAlias = torch.Generator | np.random.Generator | Chance
Part: TypeAlias = nn.Module | Optimizer | LRScheduler | Generator | list | dict
FILE = "checkpoint.safetensors"


class Checkpoint:
    """What a training needs to go on, in a folder of its own.

    A module brings the optimizers and generators that it holds as attributes. `steps`, `save` and
    `restore` include the active `Chance`: call them where the training draws. Outside of any, name
    torch's global generator: `chance=torch.default_generator`. Lists and dictionaries of what JSON
    and tensors can hold are filled in place.

    Args:
        folder: Made when first saved; a cell's is `context.folder`.
        parts: By name.

    Raises:
        OptionError: If a part is none of these.
    """

    def __init__(self, folder: Path, /, **parts: Part) -> None:
        for name, part in parts.items():
            if not isinstance(part, Part):
                raise OptionError(
                    f"`{name}` must be a module, an optimizer, a schedule, a generator, a list or "
                    f"a dictionary, got {type(part).__name__}."
                )
        self.path, self.parts = folder / FILE, parts

    def steps(self, count: int, *, every: int) -> Iterator[int]:
        """The steps from 0 to `count` − 1 that are still to take; saves after each `every`-th.

        Raises:
            InputError: As `restore` and `save`.
        """
        for step in range(self.restore(), count):
            yield step
            if (step + 1) % every == 0 or step + 1 == count:
                self.save(step + 1)

    def save(self, step: int) -> None:
        """Write the parts as they are after `step` steps, in place of the file before.

        Raises:
            InputError: If the file cannot be written.
        """
        from safetensors.torch import save

        tensors: dict[str, Tensor] = {}
        state = {name: _state(part) for name, part in self.parts.items()}
        chance = Chance.active()
        drawn = None if chance is None else chance.state_dict()
        kept = {"step": step, "parts": _packed(state, tensors), "chance": _packed(drawn, tensors)}
        header = json.dumps(kept)
        with contextlib.suppress(OSError):  # that it cannot be, `write` says
            self.path.parent.mkdir(parents=True, exist_ok=True)
        storage.write(self.path, save(tensors, metadata={"mineral": header}))

    def restore(self) -> int:
        """Set every part as it was saved; the steps that were taken, 0 if nothing was saved.

        Raises:
            InputError: If the file is damaged, or of other parts than these.
        """
        if not self.path.exists():
            return 0
        from safetensors import SafetensorError, safe_open

        try:
            with safe_open(self.path, framework="pt") as file:
                header = json.loads(file.metadata()["mineral"])
                tensors = {name: file.get_tensor(name).clone() for name in file.keys()}  # noqa: SIM118
            state = _unpacked(header["parts"], tensors)
            if state.keys() != self.parts.keys():
                raise ValueError(f"it has {', '.join(state)}")
            chance, drawn = Chance.active(), _unpacked(header["chance"], tensors)
            if (chance is None) != (drawn is None):
                raise ValueError(f"saved {'outside' if drawn is None else 'inside'} of a `Chance`")
            for name, part in self.parts.items():
                _set(part, state[name])
            if chance is not None:
                chance.load_state_dict(drawn)
            return int(header["step"])
        except (
            *(OSError, SafetensorError, ArithmeticError, AttributeError),
            *(LookupError, TypeError, ValueError, RuntimeError),
        ) as error:
            reason = " ".join(str(error).split())[:200]
            raise InputError(
                f"`{self.path}` is not a checkpoint of this training run ({reason}): delete it to "
                "start over."
            ) from None

    def remove(self) -> None:
        """Delete the file, and the folder if nothing else is in it."""
        self.path.unlink(missing_ok=True)
        with contextlib.suppress(OSError):
            self.path.parent.rmdir()


def _inside(module: nn.Module) -> Iterator[tuple[str, Any]]:
    """Optimizers and generators that a module or one of its parts holds, and its state lacks."""
    for path, each in module.named_modules():
        if type(each).get_extra_state is not nn.Module.get_extra_state:
            continue  # it saves by itself what it holds
        for name, value in vars(each).items():
            if isinstance(value, (Optimizer, Generator)):
                yield f"{path}.{name}", value


def _state(part: Any) -> Any:  # noqa: ANN401
    if isinstance(part, torch.Generator):
        return part.get_state()
    if isinstance(part, np.random.Generator):
        return part.bit_generator.state
    if isinstance(part, nn.Module):
        held = {name: _state(value) for name, value in _inside(part)}
        return {"own": part.state_dict(), "held": held}
    return part if isinstance(part, (list, dict)) else part.state_dict()


def _set(part: Any, state: Any) -> None:  # noqa: ANN401
    if isinstance(part, torch.Generator):
        part.set_state(state)
    elif isinstance(part, np.random.Generator):
        part.bit_generator.state = state
    elif isinstance(part, nn.Module):
        part.load_state_dict(state["own"])
        held = dict(_inside(part))
        if held.keys() != state["held"].keys():
            raise ValueError(f"a module holds {', '.join(held) or 'no optimizer'}")
        for name, value in held.items():
            _set(value, state["held"][name])
    elif isinstance(part, list):
        part[:] = state
    elif isinstance(part, dict):
        part.clear()
        part.update(state)
    else:
        part.load_state_dict(state)


def _packed(value: Any, tensors: dict[str, Tensor]) -> Any:  # noqa: ANN401
    """Plain values as JSON can hold them, marked by kind; tensors put aside, by number."""
    if isinstance(value, Tensor):
        key = str(len(tensors))
        tensors[key] = value.detach().cpu().clone(memory_format=torch.contiguous_format)
        return {"tensor": key}
    if isinstance(value, Mapping):  # pairs: the keys of an optimizer's state are numbers
        return {"pairs": [[name, _packed(item, tensors)] for name, item in value.items()]}
    if isinstance(value, (list, tuple)):
        kind = "tuple" if isinstance(value, tuple) else "list"
        return {kind: [_packed(item, tensors) for item in value]}
    if isinstance(value, np.generic):
        return value.item()
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    raise OptionError(
        f"A checkpoint can hold tensors, numbers and texts, got {type(value).__name__}: convert "
        "it to one of these."
    )


def _unpacked(value: Any, tensors: Mapping[str, Tensor]) -> Any:  # noqa: ANN401
    if not isinstance(value, dict):
        return value
    [(kind, content)] = value.items()
    if kind == "tensor":
        return tensors[content]
    if kind == "pairs":
        return {name: _unpacked(item, tensors) for name, item in content}
    items = [_unpacked(item, tensors) for item in content]
    return tuple(items) if kind == "tuple" else items

"""Chance: torch draws from generators of one's own, whoever wrote the code that draws.

torch's layers draw their first weights, and dropout its gaps, from one generator for the whole
process. Seeding it disturbs every other thread, and other threads disturb what is drawn. Inside

    with Chance(seed):
        network = nn.Linear(3, 5)

each random operation of this thread is given a generator of this seed in its place: the
distributions are torch's own, and the global generators are neither read nor changed.
"""

import hashlib
import random
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode, _get_current_dispatch_mode_stack

WORD = 2**63  # seeds that torch's generators take


def seed_of(*parts: bytes) -> int:
    """A seed below 2^63 that content decides: the first bits of its SHA-256."""
    return int.from_bytes(hashlib.sha256(b"".join(parts)).digest()[:8], "big") >> 1


@contextmanager
def first_import(name: str) -> Iterator[None]:
    """Inside, a module is imported that may draw from Python's own generator: its state comes back.

    Where it is imported already nothing is restored, so that threads that draw are not disturbed.
    """
    state = None if name in sys.modules else random.getstate()
    try:
        yield
    finally:
        if state is not None:
            random.setstate(state)


class Chance(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Inside, what this thread draws with torch comes from generators of this seed.

    There is one generator for each device. An operation that is given a generator keeps it. Every
    operation inside costs some ten microseconds more, so that a long loop that draws nothing is
    better outside. A few kernels for GPUs (attention with dropout, recurrent networks with
    dropout) cannot be given a generator, and draw from the global one.

    Args:
        seed: A whole number of at least 0.

    Attributes:
        draws: How many operations have drawn so far.

    Example:
        >>> with Chance(0):
        ...     first = torch.rand(3)
        >>> with Chance(0):
        ...     second = torch.rand(3)
        >>> bool((first == second).all())
        True
    """

    def __init__(self, seed: int) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.seed, self.draws = seed % WORD, 0
        self._idle = False
        self._generators: dict[torch.device, torch.Generator] = {}

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        """Whether torch keeps its compiler away from this class, for which it imports all of it.

        That takes 2 s before the first network of a process.
        """
        return False

    @classmethod
    def of(cls, rng: np.random.Generator) -> "Chance":
        """With a seed that `rng` draws."""
        return cls(int(rng.integers(WORD)))

    @classmethod
    def active(cls) -> "Chance | None":
        """The one from which this thread draws now: the innermost."""
        modes = reversed(_get_current_dispatch_mode_stack())
        return next((each for each in modes if isinstance(each, cls)), None)

    def state_dict(self) -> dict[str, Any]:
        """What decides all later draws."""
        states = {str(device): each.get_state() for device, each in self._generators.items()}
        return {"seed": self.seed, "draws": self.draws, "idle": self._idle, "generators": states}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Draw on as from where `state_dict` was called."""
        self.seed, self.draws, self._idle = state["seed"], state["draws"], state["idle"]
        for each in self._generators.values():
            each.manual_seed(self.seed)
        for device, saved in state["generators"].items():
            self.generator(device).set_state(saved)

    def generator(self, device: torch.device | str = "cpu") -> torch.Generator:
        """The generator of a device, which goes on from call to call."""
        device = torch.device(device)
        if device not in self._generators:
            self._generators[device] = torch.Generator(device).manual_seed(self.seed)
        return self._generators[device]

    def normal_like(self, values: Tensor) -> Tensor:
        """Standard normal noise, of the shape, dtype and device of `values`."""
        return torch.randn(
            values.shape,
            generator=self.generator(values.device),
            dtype=values.dtype,
            device=values.device,
        )

    @contextmanager
    def step(self) -> Iterator[None]:
        """Around each step of a loop: itself, until a step has drawn nothing.

        What draws nothing at the first step goes on at full speed.
        """
        if self._idle:
            yield
            return
        before = self.draws
        with self:
            yield
        self._idle = self.draws == before

    def __torch_dispatch__(
        self,
        func: Any,  # noqa: ANN401
        types: Any,  # noqa: ANN401
        args: tuple[Any, ...] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:  # noqa: ANN401
        given = dict(kwargs or {})
        if torch.Tag.nondeterministic_seeded not in func.tags or given.get("generator") is not None:
            return func(*args, **given)
        device = _device(args, given)
        if device.type == "meta" or any(isinstance(each, torch.Generator) for each in args):
            return func(*args, **given)
        self.draws += 1
        packet = func.overloadpacket
        if special := _WITHOUT_GENERATOR.get(packet.__name__):
            return special(self.generator(device), *args, **given)
        takes_one = any(
            argument.name == "generator"
            for overload in packet.overloads()
            for argument in getattr(packet, overload)._schema.arguments
        )
        own = {"generator": self.generator(device)} if takes_one else {}
        return packet(*args, **given, **own)


@contextmanager
def seeded(seed: int) -> Iterator[Chance]:
    """`Chance(seed)`, with gradients on though the caller may have turned them off."""
    with learning(), Chance(seed) as chance:
        yield chance


@contextmanager
def learning() -> Iterator[None]:
    """Gradients are on inside, though the caller may have turned them off."""
    with torch.inference_mode(mode=False), torch.enable_grad():
        yield


def _device(args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> torch.device:
    """Where an operation draws: the device that it names, or that of its first tensor."""
    if kwargs.get("device") is not None:
        return torch.device(kwargs["device"])
    tensors = (each for each in (*args, *kwargs.values()) if isinstance(each, Tensor))
    return next((each.device for each in tensors), torch.device("cpu"))


def _dropout(
    generator: torch.Generator,
    values: Tensor,
    p: float,
    train: bool | None = None,  # noqa: FBT001  (as torch has it)
) -> tuple[Tensor, Tensor]:
    if train is False:
        return values, torch.ones_like(values, dtype=torch.bool)
    kept = torch.empty_like(values, dtype=torch.bool).bernoulli_(1 - p, generator=generator)
    return values * kept * (0.0 if p == 1 else 1 / (1 - p)), kept


def _normal_like(generator: torch.Generator, like: Tensor, **options: Any) -> Tensor:  # noqa: ANN401
    return torch.empty_like(like, **options).normal_(generator=generator)


def _uniform_like(generator: torch.Generator, like: Tensor, **options: Any) -> Tensor:  # noqa: ANN401
    return torch.empty_like(like, **options).uniform_(generator=generator)


# Operations that take no generator, in some releases of torch that we support or in all.
_WITHOUT_GENERATOR: Mapping[str, Callable[..., Any]] = {
    "native_dropout": _dropout,
    "randn_like": _normal_like,
    "rand_like": _uniform_like,
}

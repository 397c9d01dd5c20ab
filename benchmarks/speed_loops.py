"""Training loops of a MINE critic, as `benchmarks/speed.py` times them: ours, and those of others.

Each takes x and y, (n, d) arrays of float32, and trains a network of [x, y] with two hidden layers
of ReLU for some steps on the Donsker–Varadhan bound. `prepare` builds what is built once, and
returns a function of the number of steps.
"""

import itertools
import math
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from mineral import bounds
from mineral.critics import Concatenated, SeparableCritic, split_scores
from mineral.networks.training import Job, Schedule, train_together

RATE = 1e-4
HELD_OUT = 256  # rows that our loop evaluates every 10 to 50 steps; other loops evaluate none
Steps = Callable[[int], Any]


def network(dim: int, width: int) -> nn.Sequential:
    """A statistics network of [x, y]."""
    return nn.Sequential(
        nn.Linear(2 * dim, width),
        nn.ReLU(),
        nn.Linear(width, width),
        nn.ReLU(),
        nn.Linear(width, 1),
    )


def jobs(x: np.ndarray, y: np.ndarray, width: int, kind: str, count: int = 1) -> list[Job]:
    """Critics to train, with the samples that train and those that decide when to stop."""
    pairs = torch.from_numpy(x), torch.from_numpy(y)
    training = pairs[0][HELD_OUT:], pairs[1][HELD_OUT:]
    validation = pairs[0][:HELD_OUT], pairs[1][:HELD_OUT]
    dim = x.shape[1]

    def critic() -> nn.Module:
        if kind == "infonce":
            return SeparableCritic(dim, dim, hidden=(width, width))
        return Concatenated(network(dim, width))

    objectives: dict[str, Callable[[], Any]] = {
        "mine": bounds.MovingAverageDV,
        "infonce": lambda: bounds.infonce,
        "js": lambda: bounds.jensen_shannon,
    }
    return [
        Job(
            critic=critic(),
            objective=objectives[kind](),
            training=training,
            validation=validation,
            rng=np.random.default_rng(i),
        )
        for i in range(count)
    ]


def schedule(batch: int, steps: int, block: int) -> Schedule:
    """Without an early end."""
    return Schedule(steps=steps, batch_size=batch, learning_rate=RATE, block=block, patience=10**9)


def ours(x: np.ndarray, y: np.ndarray, width: int, batch: int, kind: str) -> Steps:
    """The loop of our neural estimators, its looks at held-out rows included."""

    def run(steps: int) -> None:
        block = batch if kind == "infonce" else 2
        made = jobs(x, y, width, kind)
        train_together(made, schedule(batch, steps, block), progress=lambda _: None)

    return run


def plain(x: np.ndarray, y: np.ndarray, width: int, batch: int, kind: str) -> Steps:
    """What one writes in PyTorch, with fused Adam."""
    of_x, of_y = torch.from_numpy(x), torch.from_numpy(y)
    net: nn.Module = jobs(x, y, width, kind)[0].critic
    net = net.net if isinstance(net, Concatenated) else net
    optimizer = torch.optim.Adam(net.parameters(), lr=RATE, fused=True)

    def loss(a: Tensor, b: Tensor) -> Tensor:
        if isinstance(net, SeparableCritic):
            joint, product = split_scores(net.g(a) @ net.h(b).T)
            everything = torch.cat([joint[:, None], product], 1)
            return (torch.logsumexp(everything, 1) - joint).mean()
        joint = net(torch.cat([a, b], 1))
        product = net(torch.cat([a, b[torch.randperm(len(b))]], 1))
        if kind == "js":
            return nn.functional.softplus(-joint).mean() + nn.functional.softplus(product).mean()
        return torch.logsumexp(product, 0)[0] - math.log(len(b)) - joint.mean()

    def run(steps: int) -> None:
        for _ in range(steps):
            rows = torch.randint(len(of_x), (batch,))
            optimizer.zero_grad()
            loss(of_x[rows], of_y[rows]).backward()
            optimizer.step()

    return run


class _MovingAverageLog(torch.autograd.Function):
    """log mean exp, whose gradient divides by a moving average instead."""

    @staticmethod
    def forward(ctx: Any, scores: Tensor, average: Tensor) -> Tensor:  # noqa: ANN401
        ctx.save_for_backward(scores, average)
        return scores.exp().mean().log()

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:  # noqa: ANN401
        scores, average = ctx.saved_tensors
        return gradient * scores.exp() / (average * scores.shape[0]), None


def published(x: np.ndarray, y: np.ndarray, width: int, batch: int, kind: str) -> Steps:
    """In the manner of public MINE code: passes, a custom autograd function, Adam, `.item()`.

    Anomaly detection, which some of it leaves on, is off.
    """
    of_x, of_y = torch.from_numpy(x), torch.from_numpy(y)
    net = network(x.shape[1], width)
    optimizer = torch.optim.Adam(net.parameters(), lr=RATE)

    def run(steps: int) -> None:
        average, values = torch.tensor(0.0), []
        while len(values) < steps:
            order = torch.randperm(len(of_x))
            for rows in order.split(batch)[: steps - len(values)]:
                a, b = of_x[rows], of_y[rows]
                optimizer.zero_grad()
                joint = net(torch.cat((a, b), 1)).mean()
                product = net(torch.cat((a, b[torch.randperm(len(b))]), 1))
                newest = (torch.logsumexp(product, 0) - math.log(len(b))).exp().detach()
                average = newest if not values else 0.01 * newest + 0.99 * average
                loss = _MovingAverageLog.apply(product, average) - joint
                loss.backward()
                optimizer.step()
                values.append(-loss.item())

    return run


def jax_scan(x: np.ndarray, y: np.ndarray, width: int, batch: int, kind: str) -> Steps:
    """`lax.scan` over steps with optax's Adam, compiled at the first run."""
    import jax
    import jax.numpy as jnp
    import optax

    widths = (2 * x.shape[1], width, width, 1)
    rng = np.random.default_rng(0)
    start = [
        (
            jnp.asarray(rng.uniform(-1, 1, (a, b)) / math.sqrt(a), jnp.float32),
            jnp.zeros(b, jnp.float32),
        )
        for a, b in itertools.pairwise(widths)
    ]
    of_x, of_y, optimizer = jnp.asarray(x), jnp.asarray(y), optax.adam(RATE)

    def scored(parameters: Any, rows: Any) -> Any:  # noqa: ANN401
        for weight, bias in parameters[:-1]:
            rows = jax.nn.relu(rows @ weight + bias)
        weight, bias = parameters[-1]
        return (rows @ weight + bias)[:, 0]

    def loss(parameters: Any, a: Any, b: Any, mixed: Any) -> Any:  # noqa: ANN401
        joint = scored(parameters, jnp.concatenate([a, b], 1))
        product = scored(parameters, jnp.concatenate([a, mixed], 1))
        return jax.nn.logsumexp(product) - math.log(batch) - joint.mean()

    def step(state: Any, key: Any) -> Any:  # noqa: ANN401
        parameters, moments = state
        first, second = jax.random.split(key)
        rows = jax.random.randint(first, (batch,), 0, len(of_x))
        a, b = of_x[rows], of_y[rows]
        mixed = b[jax.random.permutation(second, batch)]
        value, gradient = jax.value_and_grad(loss)(parameters, a, b, mixed)
        change, moments = optimizer.update(gradient, moments)
        return (optax.apply_updates(parameters, change), moments), value

    @jax.jit
    def many(state: Any, keys: Any) -> Any:  # noqa: ANN401
        return jax.lax.scan(step, state, keys)

    def run(steps: int) -> None:
        keys = jax.random.split(jax.random.PRNGKey(0), steps)
        jax.block_until_ready(many((start, optimizer.init(start)), keys))

    return run


def torch_mist(x: np.ndarray, y: np.ndarray, width: int, batch: int, kind: str) -> Steps:
    """`estimate_mi` of torch-mist, which evaluates a batch at the end."""
    from torch_mist.utils import estimate_mi

    def run(steps: int) -> None:
        estimate_mi(
            {"x": torch.from_numpy(x), "y": torch.from_numpy(y)},
            test_data={"x": torch.from_numpy(x[:batch]), "y": torch.from_numpy(y[:batch])},
            estimator="mine",
            hidden_dims=[width, width],
            critic_type="joint",
            batch_size=batch,
            max_iterations=steps,
            early_stopping=False,
            verbose=False,
            logger=False,
        )

    return run


LOOPS = {
    "mineral": ours,
    "plain": plain,
    "published": published,
    "torch-mist": torch_mist,
    "jax": jax_scan,
}

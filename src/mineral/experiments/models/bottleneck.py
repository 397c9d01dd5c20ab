"""The information bottleneck on permutation-invariant MNIST: error and kept information.

Encoders z = e(x, noise) of several kinds, and penalties for I(X; Z) in the loss E[−log q(y | z)] +
β I(X; Z). With MINE, training is adversarial: the critic maximizes its bound, the encoder minimizes
it.

10,000 of the 60,000 training images choose the epoch whose weights are kept. The test images are
looked at once, with these.
"""

import copy
import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.nn.functional import cross_entropy
from torch.optim.lr_scheduler import LambdaLR
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from mineral.critics import JointCritic
from mineral.errors import OptionError
from mineral.experiments.base import Cell, Conclusion, Context, Experiment, Numbers
from mineral.experiments.checkpoints import Checkpoint
from mineral.experiments.models import digits, kept
from mineral.experiments.models.digits import CLASSES, PIXELS
from mineral.learning import bottleneck, penalties
from mineral.learning.bottleneck import Bottleneck, Encoder
from mineral.learning.information import Information
from mineral.learning.penalties import Penalty
from mineral.stability import swapped

METHODS = {  # encoder, and penalty for I(X; Z)
    "baseline": ("deterministic", ""),
    "dropout": ("dropout", ""),
    "gaussian": ("gaussian", ""),
    "additive": ("additive", ""),
    "propagated": ("propagated", ""),
    "deep-variational": ("gaussian", "rate"),
    "mine-gaussian": ("gaussian", "mine"),
    "mine-additive": ("additive", "mine"),
    "mine-moments": ("additive", "mine of the moments"),
    "mine-propagated": ("propagated", "mine"),
    "mige": ("gaussian", "mige"),
    "club": ("gaussian", "club"),
}


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Of the bottleneck.

    Attributes:
        methods: Of `METHODS`, each with `seeds` seeds at β = `beta`, or at `game_beta` where a
            critic learns beside the encoder.
        swept: Of those with a penalty, each at all of `betas`, one seed, with `swept_hidden` and
            `swept_epochs`; no epochs, no sweep.
        hidden: Of the encoder, and k is `dim_z`.
        critic: Hidden layers of MINE's critic, its Adam's rate, and `partners` for each pair.
        critic_noise: Standard deviations of the noise in each layer of the critic, if any: 0.3 at
            the input and 0.5 in the hidden layers, in the paper.
        critic_steps: For each step of the encoder: a critic that lags behind underestimates.
        noise: Of the additive encoder, `carried` of the propagated one, and `offset` of the scale
            of the Gaussian one.
        epochs, batch, learning_rate: Of Adam, whose first moment decays by 0.5.
        cosine: The rate falls to zero along a cosine; else by 3 % every second epoch.
        average: Decay of the average of weights that is evaluated.
        samples: Of z at the end, over which probabilities are averaged.
        images: Of the 50,000 left for training.
        measured: Held-out images among which information is measured.
        fresh_steps: Of the critic that measures where no density is known.
        half: Networks train with products of matrices in bfloat16: three times as fast on
            processors that have them, and slower on others.
    """

    methods: tuple[str, ...] = tuple(METHODS)
    seeds: int = 10
    beta: float = 1e-3
    game_beta: float = 1e-3
    swept: tuple[str, ...] = ("deep-variational", "mine-gaussian", "mige", "club")
    betas: tuple[float, ...] = (1e-5, 1e-4, 1e-3, 1e-2, 1e-1, 1.0)
    swept_hidden: tuple[int, ...] = (1024, 1024)
    swept_epochs: int = 200
    hidden: tuple[int, ...] = (1024, 1024)
    dim_z: int = 256
    critic: tuple[int, ...] = (512, 512)
    critic_noise: tuple[float, ...] = (0.3, 0.5, 0.5)
    critic_rate: float = 2e-4
    critic_steps: int = 1
    partners: int = 1
    noise: float = 1.0
    carried: float = 0.3
    offset: float = -5.0
    epochs: int = 200
    batch: int = 100
    learning_rate: float = 1e-4
    cosine: bool = False
    average: float = 0.999
    samples: int = 12
    images: int = 50_000
    measured: int = 5000
    fresh_steps: int = 5000
    half: bool = False


def cells(settings: Settings) -> dict[str, Cell[Settings]]:
    """One training each: a method, β and a number of a seed."""
    for name in (*settings.methods, *settings.swept):
        if name not in METHODS:
            raise OptionError(f"`methods` must be among {', '.join(METHODS)}, got {name!r}.")
    plan = [(name, _beta(settings, name), i) for name in settings.methods for i in _all(settings)]
    found = {_key(*each): _cell(*each, swept=False) for each in plan}
    sweep = [(name, beta, 0) for name in _swept(settings) for beta in settings.betas]
    return found | {f"sweep.{_key(*each)}": _cell(*each, swept=True) for each in sweep}


def _cell(method: str, beta: float, repeat: int, *, swept: bool) -> Cell[Settings]:
    return partial(learn, method=method, beta=beta, repeat=repeat, swept=swept)


def _swept(settings: Settings) -> tuple[str, ...]:
    return settings.swept if settings.swept_epochs else ()


def _all(settings: Settings) -> range:
    return range(settings.seeds)


def _beta(settings: Settings, method: str) -> float:
    penalty = METHODS[method][1]
    return settings.game_beta if "mine" in penalty else settings.beta if penalty else 0.0


def _key(method: str, beta: float, repeat: int) -> str:
    return f"{method}.beta{beta:g}.seed{repeat}"


def encoder(settings: Settings, kind: str) -> Encoder:
    """From pixels to codes."""
    widths = (PIXELS, *settings.hidden, settings.dim_z)
    built: dict[str, Callable[[], Encoder]] = {
        "deterministic": lambda: bottleneck.Deterministic(*widths),
        "dropout": lambda: bottleneck.Deterministic(*widths, dropout=0.5),
        "gaussian": lambda: bottleneck.Gaussian(*widths, offset=settings.offset),
        "additive": lambda: bottleneck.Additive(*widths, noise=settings.noise),
        "propagated": lambda: bottleneck.Propagated(*widths, noise=settings.carried),
    }
    return built[kind]()


def penalty(settings: Settings, method: str, seed: int, device: torch.device) -> Penalty | None:
    """The penalty for I(X; Z)."""
    of = METHODS[method][1]
    given = {"rate": penalties.rate, "mige": penalties.mige, "club": penalties.club}
    if of in given:
        return penalties.Given(given[of])
    if not of:
        return None
    moments = of == "mine of the moments"
    dim = 2 * settings.dim_z if moments else PIXELS
    critic: nn.Module = (
        penalties.NoisyCritic(
            dim, settings.dim_z, hidden=settings.critic, noise=settings.critic_noise
        )
        if settings.critic_noise
        else JointCritic(dim, settings.dim_z, hidden=settings.critic)
    )
    # MINE's moving average remembers one bad batch for hundreds of steps: an encoder that has found
    # one would be free of its critic.
    bound = "dv" if moments else "mine"
    options: Any = {"learning_rate": settings.critic_rate, "partners": settings.partners}
    return penalties.Adversarial(
        Information(critic.to(device), bound, seed=seed, **options),
        steps=settings.critic_steps,
        moments=moments,
        floor=0.0,
    )


def learn(
    context: Context[Settings], *, method: str, beta: float, repeat: int, swept: bool
) -> Numbers:
    """Train, keep the weights of the best validation epoch, and evaluate them on test images."""
    settings, device = context.settings, context.device
    if swept:
        sizes: Any = {"hidden": settings.swept_hidden, "epochs": settings.swept_epochs}
        settings = replace(settings, **sizes)
    model = Bottleneck(encoder(settings, METHODS[method][0]), settings.dim_z, CLASSES).to(device)
    term = penalty(settings, method, context.seed_for("partners", context.key), device)
    batches = settings.images // settings.batch
    optimizer = torch.optim.Adam(
        model.parameters(), lr=settings.learning_rate, betas=(0.5, 0.999), fused=True
    )
    schedule = LambdaLR(optimizer, partial(_rate, settings))
    average = AveragedModel(model, multi_avg_fn=get_ema_multi_avg_fn(settings.average))  # type: ignore[no-untyped-call]
    rng = context.rng("batches", str(repeat))
    noted: list[dict[str, float]] = []
    best: dict[str, Any] = {}
    parts: dict[str, Any] = {"model": model, "optimizer": optimizer, "schedule": schedule}
    parts |= {"average": average, "rng": rng, "noted": noted, "best": best}
    if learned := isinstance(term, penalties.Adversarial):
        parts["penalty"] = term.term
    x, y = digits.of("train", device)
    held_out = digits.of("validation", device)
    checkpoint = Checkpoint(context.folder, **parts)
    for epoch in checkpoint.steps(settings.epochs, every=1):
        model.train()
        order = torch.from_numpy(rng.permutation(settings.images)).to(device)
        sums = torch.zeros(2, device=device)
        for rows in order[: batches * settings.batch].view(batches, -1):
            with torch.autocast(device.type, torch.bfloat16, enabled=settings.half):
                code = model.encode(x[rows])
            fit = loss = cross_entropy(model.decoder(code.z), y[rows])
            if term is not None and beta:
                # Densities need more digits than a critic does.
                with torch.autocast(device.type, torch.bfloat16, enabled=settings.half and learned):
                    term.learn(x[rows], code)
                    information = term(x[rows], code)
                loss = fit + beta * information
                sums[1] += information.detach()
            optimizer.zero_grad(set_to_none=True)
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
            schedule.step()
            average.update_parameters(model)
            sums[0] += fit.detach()
        with swapped(model, average):
            error = model.eval().error(*held_out, samples=1)
            if not best or error < best["error"]:
                best |= {"error": error, "epoch": epoch, "weights": _copied(model)}
        fit_mean, kept_mean = (sums / batches).tolist()
        noted.append({"error": error, "cross_entropy": fit_mean, "penalty": kept_mean})
        for name, value in noted[-1].items():
            context.log(name, value, epoch)
        context.progress((epoch + 1) / settings.epochs)
    model.load_state_dict(best["weights"])
    wrong = model.eval().wrong(*digits.of("test", device), samples=settings.samples)
    found = {
        "test_error": float(wrong.float().mean()),
        "tested": len(wrong),
        "wrong": wrong.nonzero().flatten().tolist(),
        "validation_error": best["error"],
        "epoch": best["epoch"] + 1,
        "history": {name: [each[name] for each in noted] for name in noted[0]},
        **kept.information(
            model,
            measured=settings.measured,
            steps=settings.fresh_steps,
            rng=context.rng("measuring", context.key),
            device=device,
        ),
    }
    checkpoint.remove()
    return found


def _rate(settings: Settings, step: int) -> float:
    batches = settings.images // settings.batch
    if settings.cosine:
        return (1 + math.cos(math.pi * step / (settings.epochs * batches))) / 2
    return float(0.97 ** (step // batches // 2))


def _copied(model: nn.Module) -> dict[str, Any]:
    state: dict[str, Any] = copy.deepcopy(dict(model.state_dict()))
    return state


def conclude(settings: Settings, results: Mapping[str, Numbers]) -> Conclusion:
    """Errors by method, and information against error over β."""
    metrics: dict[str, Any] = {}
    methods = {
        method: [results[_key(method, _beta(settings, method), i)] for i in _all(settings)]
        for method in settings.methods
    }
    for method, runs in methods.items():
        errors = 100 * np.array([run["test_error"] for run in runs])
        metrics[method] = {
            "beta": _beta(settings, method),
            "test_error": float(errors.mean()),
            "test_error_sd": float(errors.std(ddof=1)) if len(runs) > 1 else None,
            **kept.compared(runs, methods.get("baseline", [])),
            "validation_error": float(np.mean([100 * run["validation_error"] for run in runs])),
            "lower": _mean(run["lower"] for run in runs),
            "upper": _mean(run["upper"] for run in runs),
            "epochs": [run["epoch"] for run in runs],
        }
    sweep = {
        method: {
            f"{beta:g}": {
                name: results[f"sweep.{_key(method, beta, 0)}"][name]
                for name in ("test_error", "validation_error", "lower", "upper")
            }
            for beta in settings.betas
        }
        for method in _swept(settings)
    }
    tables = [kept.errors(metrics, settings.seeds)]
    if sweep:
        tables.append(kept.table(sweep))
    return Conclusion(
        metrics={"methods": metrics, "sweep": sweep},
        tables=tables,
        figures={"bottleneck": kept.draw(methods, sweep, measured=settings.measured)},
        sentences=[*SENTENCES, _ceiling(settings)],
    )


def _mean(values: Iterable[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if known else None


def _ceiling(settings: Settings) -> str:
    n = settings.measured
    return (
        f"Information is measured on test images, in batches of {n}. The lower bound cannot "
        f"exceed log {n} = {math.log(n):.2f} nats (dotted): a value near this limit only shows "
        "that at least this much is kept. The upper bound is the smaller of the leave-one-out "
        "bound and the rate to a Gaussian fitted to the codes of validation images. A propagated "
        "code has no density: its lower bound is InfoNCE with a new critic, trained on training "
        "images."
    )


SENTENCES = (
    "Every method, including the baseline, has the same schedule, weight averaging and choice of "
    "the epoch. The test images are used once, with the weights that are best on validation "
    "images.",
    "The published figures use 60,000 training images, and may have been chosen by the test "
    "error; ours use 50,000.",
    "The public implementation of this experiment minimizes −I(X; Z), with one optimizer for both "
    "networks: it keeps the information that it should remove. Here the critic maximizes its "
    "bound and the encoder minimizes it, which a test asserts.",
    "MIGE gives a gradient and no value; its information is measured as for the others.",
)

BOTTLENECK = Experiment(
    name="bottleneck",
    title="Information bottleneck on permutation-invariant MNIST: MINE, MIGE, CLUB, variational",
    source=(
        "Belghazi et al. (2018), MINE, section 5.3, arXiv:1801.04062; Alemi et al. (2017), "
        "arXiv:1612.00410; Wen et al. (2020), MIGE, arXiv:2005.01123; Cheng et al. (2020), CLUB, "
        "arXiv:2006.12013"
    ),
    quick=Settings(
        methods=("baseline", "mine-gaussian", "mine-moments", "additive", "deep-variational"),
        seeds=2,
        game_beta=0.03,
        swept_epochs=0,
        dim_z=64,
        critic=(256, 256),
        critic_steps=2,
        partners=4,
        critic_noise=(),
        critic_rate=1e-3,
        carried=0.1,
        offset=0.0,
        epochs=16,
        batch=200,
        learning_rate=1e-3,
        cosine=True,
        average=0.99,
        measured=5000,
        fresh_steps=200,
        half=True,
    ),
    full=Settings(),
    cells=cells,
    conclude=conclude,
)

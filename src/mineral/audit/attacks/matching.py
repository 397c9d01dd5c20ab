"""The published attack on NeuraCrypt: images and their codes, without pairs, without the key.

1. Undo the shuffle: match the encoded patches of each image with those of one image, then with the
   mean image. The secret positions dominate codes, so that they identify the patches.
2. Learn on fresh random keys which encoded patch looks like which patch, whatever the key: from the
   moments of each, taken off the mean of its place.
3. Match patches within each pair of image and code, then images with codes.
4. Recover from the matched pairs where each place of a code lies in the image; match again.
5. Fit an encoder to the matched pairs, and match codes with its predictions, until nothing changes.

All matchings are exact, by the Hungarian algorithm. We fit step 5 by ridge regression for each
place, where the published attack trains an encoder of the same layers.

References:
    Carlini et al. (2021), NeuraCrypt is not private, arXiv:2108.07256.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from mineral.audit.rows import Attack
from mineral.basics.intervals import share
from mineral.errors import InputError, OptionError
from mineral.shaping.neuracrypt import NeuraCrypt
from mineral.system.chance import Chance, learning

Images = Float[np.ndarray, "n pixels"]
Codes = Float[np.ndarray, "m numbers"]
Cut = Float[np.ndarray, "n patches pixels_of_patch"]
Patches = Float[np.ndarray, "n patches width"]
HIGHEST_MOMENT = 14
HIDDEN, EMBEDDED = 64, 8
RIDGES = (
    0.3,
    1.0,
    3.0,
    10.0,
    30.0,
    100.0,
)  # weights of squared coefficients, of pixels as they are


@dataclass(frozen=True, kw_only=True)
class Settings:
    """How much the attack spends.

    Attributes:
        keys: Fresh random encoders to learn from.
        images: That each of them encodes.
        steps: Of Adam.
        batch_size: Patches a step, each classified against all others.
        learning_rate: Of Adam; it falls along a cosine.
        rounds: Of steps 1, 4 and 5, at most.
    """

    keys: int = 30
    images: int = 100
    steps: int = 1500
    batch_size: int = 256
    learning_rate: float = 2e-3
    rounds: int = 10

    def __post_init__(self) -> None:
        for name in ("keys", "images", "steps", "batch_size", "rounds"):
            if getattr(self, name) < 1:
                raise OptionError(f"`{name}` must be at least 1, got {getattr(self, name)}.")


def attack(
    images: Images,
    victim: NeuraCrypt,
    *,
    settings: Settings | None = None,
    seed: int = 0,
) -> Attack:
    """The share of images that are matched with their own codes; chance is one in n.

    Args:
        images: Shape (n, pixels). The adversary gets them, and their codes in a random order.
        victim: Makes the codes. The adversary knows its options, and not its key.
        settings: How much to spend.
        seed: Of everything random.
    """
    *_, (_, last) = stages(images, victim, settings=settings, seed=seed)
    n = len(images)
    right = round(last * n)
    return Attack(
        name="matching",
        value=last,
        interval=share(right, n),
        chance=1 / n,
        unit="share",
        how="patches reordered, matched by moments, and an encoder fitted to the matches",
        n=n,
    )


def stages(
    images: Images, victim: NeuraCrypt, *, settings: Settings | None = None, seed: int = 0
) -> list[tuple[str, float]]:
    """The share of correct matches after each step, by the truth."""
    rng = np.random.default_rng(seed)
    hidden = rng.permutation(len(images))
    codes = victim.encode(images[hidden], seed=seed)
    truth = np.argsort(hidden)
    found = match(images, codes, victim, settings=settings, seed=seed)
    return [(name, float((order == truth).mean())) for name, order in found]


def match(
    images: Images,
    codes: Codes,
    like: NeuraCrypt,
    *,
    settings: Settings | None = None,
    seed: int = 0,
) -> Iterator[tuple[str, Int[np.ndarray, " n"]]]:
    """For each image its code, as a row of `codes`, after each step of the attack.

    Args:
        images: Shape (n, pixels).
        codes: Shape (n, patches · width), in any order.
        like: Has shape, patch, width and depth; its key is not used.
        settings: How much to spend.
        seed: Of everything random.

    Raises:
        InputError: If there are not as many codes as images.
    """
    settings = settings or Settings()
    n = len(images)
    if len(codes) != n or n < 2:
        raise InputError(f"`codes` must have a row for each of the {n} images, got {len(codes)}.")
    plain = like.cut(torch.from_numpy(np.asarray(images, np.float32))).numpy()
    coded = codes.reshape(n, like.patches, like.width).astype(np.float32)
    if like.shuffle:
        coded = align(coded, rounds=settings.rounds)[0]
    similar = _similarities(plain, coded, images, like, settings, seed)
    order = _match_images(similar)
    yield "patches, then images", order
    for _ in range(settings.rounds):
        places = _assign(-np.sum([similar[i, order[i]] for i in range(n)], axis=0))
        before, order = order, _assign(-similar[:, :, np.arange(like.patches), places].sum(-1))
        if np.array_equal(before, order):
            break
    yield "places recovered", order
    coded = coded[:, places]
    for _ in range(settings.rounds):
        predicted = _predictions(plain, coded[order])
        first, other = (torch.from_numpy(side).flatten(1) for side in (predicted, coded))
        # Absolute differences, since a patch in the wrong place is far off.
        before, order = order, _assign(torch.cdist(first, other, p=1).numpy())
        if np.array_equal(before, order):
            break
    yield "encoder fitted", order


def align(
    codes: Patches, reference: Float[np.ndarray, "patches width"] | None = None, *, rounds: int = 10
) -> tuple[Patches, Float[np.ndarray, "patches width"]]:
    """Undo the shuffle, but for one order of all images: place with place.

    Args:
        codes: Patches in an order of their own for each image.
        reference: What an earlier call returned, to align more codes in the same way.
        rounds: Of matching and averaging, at most.

    Returns:
        Patches in a common order, and the mean image to which they were matched.
    """
    if reference is not None:
        return _to(codes, reference), reference
    reference = codes[0]
    for _ in range(rounds):
        aligned = _to(codes, reference)
        before, reference = reference, aligned.mean(axis=0)
        if np.array_equal(before, reference):
            break
    return _to(codes, reference), reference


def _to(codes: Patches, reference: np.ndarray) -> Patches:
    first = torch.from_numpy(reference)[None]
    distances = torch.cdist(first, torch.from_numpy(codes)).numpy() ** 2
    return np.stack([c[_assign(d)] for c, d in zip(codes, distances, strict=True)])


def _assign(cost: Float[np.ndarray, "n n"]) -> Int[np.ndarray, " n"]:
    """For each row its column, at the least cost in all."""
    from scipy.optimize import linear_sum_assignment  # half a second to import

    return np.asarray(linear_sum_assignment(cost)[1])


def _moments(values: Cut | Patches) -> Float[Tensor, "n patches moments"]:
    """Mean and i-th roots of central moments of each patch, taken off the mean of its place."""
    patches = torch.from_numpy(values)
    patches = patches - patches.mean(dim=0)
    center = patches.mean(dim=-1, keepdim=True)
    powers = [
        ((patches - center) ** i).mean(dim=-1, keepdim=True).abs() ** (1 / i)
        for i in range(1, HIGHEST_MOMENT + 1)
    ]
    return torch.cat([center, *powers], dim=-1)


def _similarities(
    plain: Cut, coded: Patches, images: Images, like: NeuraCrypt, settings: Settings, seed: int
) -> Float[np.ndarray, "n n patches patches"]:
    """Of patch p of image i and patch q of code j, at [i, j, p, q], as fresh keys taught."""
    rng = np.random.default_rng(seed)
    seen, encoded = [], []
    for _ in range(settings.keys):
        key = NeuraCrypt.draw(
            like.shape,
            patch=like.patch,
            width=like.width,
            depth=like.depth,
            published=like.published,
            seed=int(rng.integers(2**32)),
        )
        rows = rng.permutation(len(images))[: settings.images]
        fresh = key.unshuffled(torch.from_numpy(np.asarray(images[rows], np.float32)))
        seen.append(_moments(plain[rows]).flatten(0, 1))
        encoded.append(_moments(fresh.numpy()).flatten(0, 1))
    pairs = torch.cat(seen), torch.cat(encoded)
    scales = [(side.mean(0), side.std(0) + 1e-9) for side in pairs]
    chance = Chance(seed)
    with learning():
        with chance:
            embeddings = [_embedding(pairs[0].shape[1]) for _ in range(2)]
        standardized = [(side - m) / s for side, (m, s) in zip(pairs, scales, strict=True)]
        _learn(embeddings, standardized, settings, chance.generator())
        with torch.no_grad():
            a, b = (
                nn.functional.normalize(embed((_moments(side) - m) / s), dim=-1)
                for embed, side, (m, s) in zip(embeddings, (plain, coded), scales, strict=True)
            )
            return torch.einsum("ipk,jqk->ijpq", a, b).numpy()


def _embedding(inputs: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Linear(inputs, HIDDEN),
        nn.LeakyReLU(),
        nn.Linear(HIDDEN, HIDDEN),
        nn.LeakyReLU(),
        nn.Linear(HIDDEN, EMBEDDED),
    )


def _learn(
    embeddings: list[nn.Sequential],
    pairs: list[Tensor],
    settings: Settings,
    generator: torch.Generator,
) -> None:
    """So that of a batch of patches each is most similar to its own code, and the reverse."""
    scale = nn.Parameter(torch.tensor(math.log(10.0)))
    parameters = [p for each in embeddings for p in each.parameters()]
    optimizer = torch.optim.Adam([*parameters, scale], lr=settings.learning_rate)
    decay = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=settings.steps)
    own = torch.arange(min(settings.batch_size, len(pairs[0])))
    for _ in range(settings.steps):
        rows = torch.randint(len(pairs[0]), (len(own),), generator=generator)
        a, b = (
            nn.functional.normalize(embed(side[rows]), dim=-1)
            for embed, side in zip(embeddings, pairs, strict=True)
        )
        scores = a @ b.T * scale.exp()
        loss = nn.functional.cross_entropy(scores, own) + nn.functional.cross_entropy(scores.T, own)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        decay.step()


def _match_images(similar: Float[np.ndarray, "n n patches patches"]) -> Int[np.ndarray, " n"]:
    """By how similar their patches are, each pair in its own best order of patches."""
    n, patches = len(similar), np.arange(similar.shape[-1])
    total = np.empty((n, n))
    for i in range(n):
        for j in range(n):
            total[i, j] = similar[i, j][patches, _assign(-similar[i, j])].sum()
    return _assign(-total)


def _predictions(plain: Cut, coded: Patches) -> Patches:
    """The codes that linear maps of patches, one for each place, give to the same images.

    Their ridge has the least leave-one-out error: wrong pairs are not learned by heart.
    """
    from sklearn.linear_model import RidgeCV

    found = np.empty_like(coded)
    for place in range(plain.shape[1]):
        x, z = (side[:, place].astype(np.float64) for side in (plain, coded))
        found[:, place] = RidgeCV(RIDGES).fit(x, z).predict(x)
    return found

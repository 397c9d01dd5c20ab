"""Every method as two functions of scores: what training maximizes, and what is reported."""

import copy
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from torch import Tensor

from mineral.basics.types import Kind
from mineral.bounds import conditional, contrastive, divergence, partition, regularized

ScoreFunction: TypeAlias = Callable[..., Tensor]  # the tensors named in `takes` -> nats


@dataclass(frozen=True, kw_only=True)
class BoundEntry:
    """A method: what training maximizes, what is reported, and what that number is.

    Attributes:
        objective: What training the critic, or the model, maximizes. None where nothing is left to
            learn. It may keep a state (`torch.nn.Module`): take a `fresh_objective` each time.
        value: What is reported, in nats.
        kind: What the value is for a given critic, with expectations in place of averages.
        any_batch: Whether it is so in expectation at any batch size. Donsker–Varadhan, say, is a
            lower bound for expectations, but its average over small batches lies too high.
        takes: The tensors that objective and value take, by name and in order: `joint` (n,) and
            `product` (n, m), or `scores` (n, n), and what else is needed.
        reference: Authors, year, arXiv.
    """

    objective: ScoreFunction | None
    value: ScoreFunction
    kind: Kind
    any_batch: bool = True
    takes: tuple[str, ...] = ("joint", "product")
    reference: str

    def fresh_objective(self) -> ScoreFunction | None:
        """The objective, with a state of its own if it keeps one."""
        return copy.deepcopy(self.objective)


class Bounds(Mapping[str, BoundEntry]):
    """Methods by name. An old name of one is understood, too, but not listed.

    Args:
        entries: By name.
        old_names: The name that each old one has now.
    """

    def __init__(self, entries: dict[str, BoundEntry], old_names: dict[str, str]) -> None:
        self._entries, self._old_names = entries, old_names

    def __getitem__(self, name: str) -> BoundEntry:
        return self._entries[self._old_names.get(name, name)]

    def __iter__(self) -> Iterator[str]:
        return iter(self._entries)

    def __len__(self) -> int:
        return len(self._entries)


_POOLE = "Poole et al. (2019), arXiv:1905.06922"
_NWJ = "Nguyen, Wainwright & Jordan (2010), arXiv:0809.0853"
_LETIZIA = "Letizia, Novello & Tonello (2024), arXiv:2305.20025"
_CHOI = "Choi & Lee (2022), arXiv:2011.07932"
_CLUB = "Cheng et al. (2020), arXiv:2006.12013"

_ENTRIES = {
    "ba": BoundEntry(
        objective=conditional.barber_agakov,
        value=conditional.barber_agakov,
        kind="lower bound",
        takes=("log_conditional", "entropy"),
        reference="Barber & Agakov (2003)",
    ),
    "uba": BoundEntry(
        objective=partition.unnormalized_barber_agakov,
        value=partition.unnormalized_barber_agakov,
        kind="lower bound",
        takes=("joint", "log_partition"),
        reference=_POOLE,
    ),
    "dv": BoundEntry(
        objective=partition.donsker_varadhan,
        value=partition.donsker_varadhan,
        kind="lower bound",
        any_batch=False,
        reference="Donsker & Varadhan (1983)",
    ),
    "mine": BoundEntry(
        objective=partition.MovingAverageDV(),
        value=partition.donsker_varadhan,
        kind="lower bound",
        any_batch=False,
        reference="Belghazi et al. (2018), arXiv:1801.04062",
    ),
    "nwj": BoundEntry(
        objective=partition.nwj, value=partition.nwj, kind="lower bound", reference=_NWJ
    ),
    "tuba": BoundEntry(
        objective=partition.tuba,
        value=partition.tuba,
        kind="lower bound",
        takes=("scores", "log_baseline"),
        reference=_POOLE,
    ),
    "infonce": BoundEntry(
        objective=contrastive.infonce,
        value=contrastive.infonce,
        kind="lower bound",
        reference="van den Oord, Li & Vinyals (2018), arXiv:1807.03748",
    ),
    "interpolated": BoundEntry(
        objective=contrastive.interpolated,
        value=contrastive.interpolated,
        kind="lower bound",
        takes=("scores", "log_baseline"),
        reference=_POOLE,
    ),
    "js": BoundEntry(
        objective=divergence.jensen_shannon,
        value=partition.shifted_nwj,
        kind="lower bound",
        reference=_POOLE,
    ),
    "flo": BoundEntry(
        objective=partition.flo,
        value=partition.flo,
        kind="lower bound",
        takes=("joint", "product", "u"),
        reference="Guo et al. (2022), arXiv:2107.01131",
    ),
    "structured-infonce": BoundEntry(
        objective=None,
        value=conditional.structured_infonce,
        kind="lower bound",
        takes=("scores",),
        reference=_POOLE,
    ),
    "structured-nwj": BoundEntry(
        objective=conditional.structured_nwj,
        value=conditional.structured_nwj,
        kind="lower bound",
        takes=("scores", "log_marginal"),
        reference=_POOLE,
    ),
    "remine": BoundEntry(
        objective=regularized.remine,
        value=partition.donsker_varadhan,
        kind="lower bound",
        any_batch=False,
        reference=_CHOI,
    ),
    "remine-j": BoundEntry(
        objective=regularized.remine,
        value=regularized.remine_j,
        kind="neither",
        reference=_CHOI,
    ),
    "renwj": BoundEntry(
        objective=regularized.renwj, value=partition.nwj, kind="lower bound", reference=_CHOI
    ),
    "retuba": BoundEntry(
        objective=regularized.retuba,
        value=partition.tuba,
        kind="lower bound",
        takes=("scores", "log_baseline"),
        reference=_CHOI,
    ),
    "reinfonce": BoundEntry(
        objective=regularized.reinfonce,
        value=contrastive.infonce,
        kind="lower bound",
        reference=_CHOI,
    ),
    "rejs": BoundEntry(
        objective=regularized.rejs,
        value=partition.shifted_nwj,
        kind="lower bound",
        reference=_CHOI,
    ),
    "resmile": BoundEntry(
        objective=regularized.resmile,
        value=divergence.smile,
        kind="neither",
        reference=_CHOI,
    ),
    "smile": BoundEntry(
        objective=divergence.jensen_shannon,
        value=divergence.smile,
        kind="neither",
        reference="Song & Ermon (2020), arXiv:1910.06222",
    ),
    "infonce-anchor": BoundEntry(
        objective=contrastive.infonce_anchor,
        value=divergence.plug_in,
        kind="neither",
        reference="Ryu et al. (2025), arXiv:2510.25983",
    ),
    "kl-dime": BoundEntry(
        objective=partition.shifted_nwj,
        value=divergence.plug_in,
        kind="neither",
        reference=_LETIZIA,
    ),
    "gan-dime": BoundEntry(
        objective=divergence.gan_divergence,
        value=divergence.plug_in,
        kind="neither",
        reference=_LETIZIA,
    ),
    "hd-dime": BoundEntry(
        objective=divergence.hellinger_divergence,
        value=divergence.plug_in,
        kind="neither",
        reference=_LETIZIA,
    ),
    "variational-upper": BoundEntry(
        objective=conditional.marginal_log_likelihood,
        value=conditional.variational_upper,
        kind="upper bound",
        takes=("log_conditional", "log_marginal"),
        reference=_POOLE,
    ),
    "leave-one-out": BoundEntry(
        objective=None,
        value=conditional.leave_one_out_upper,
        kind="upper bound",
        takes=("scores",),
        reference=_POOLE,
    ),
    "club": BoundEntry(objective=None, value=conditional.club, kind="upper bound", reference=_CLUB),
    "club-sampled": BoundEntry(
        objective=None, value=conditional.club_sampled, kind="upper bound", reference=_CLUB
    ),
    "vclub": BoundEntry(
        objective=conditional.log_likelihood,
        value=conditional.club,
        kind="neither",
        reference=_CLUB,
    ),
    "vclub-sampled": BoundEntry(
        objective=conditional.log_likelihood,
        value=conditional.club_sampled,
        kind="neither",
        reference=_CLUB,
    ),
}

BOUNDS = Bounds(_ENTRIES, {"jensen-shannon": "js"})
"""Every method by name, which is that of its estimator if it has one. Where both functions of two
entries agree, the entries differ in what the scores are: log p(y | x) for `club`, a learned
log q(y | x) for `vclub`."""

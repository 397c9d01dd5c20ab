"""Network → one self-contained HTML page: arrows, links with intervals, targets."""

import os
from typing import TYPE_CHECKING, Any

from mineral.links.pages import pictures
from mineral.pairs.pages.page import call_of, in_digits
from mineral.report.drawings import draw, own_settings
from mineral.report.templates import template
from mineral.system import storage

if TYPE_CHECKING:
    from mineral.links.result import Network

ROWS = 300  # of the table of links


def write(
    network: "Network",
    path: str | os.PathLike[str],
    *,
    title: str | None = None,
    command: str | None = None,
) -> None:
    """Write the page of `Network.report`."""
    storage.check_html(path)
    content = in_html(network, title=title, command=command)
    storage.write(path, content.encode(errors="replace"))


def in_html(network: "Network", *, title: str | None = None, command: str | None = None) -> str:
    """The page."""
    form = template("mineral.links.pages")
    with own_settings():
        drawings = {
            "graph": draw(
                pictures.overview(network),
                "Graph: an arrow from each source to its target, with lags in rows.",
                name="graph",
            ),
            "bars": draw(
                pictures.bars(network),
                "Bar chart: the links, with their intervals.",
                name="bars",
            )
            if network.links
            else None,
        }
    return form.render(
        **drawings,
        network=network,
        title=title or f"Network of {len(network.names):,} series",
        command=command or python_call(network),
        rows=_rows(network),
        targets=_targets(network),
        facts=_facts(network),
    )


def _rows(network: "Network") -> list[dict[str, str]]:
    return [
        {
            "source": link.source,
            "lag": str(link.lag),
            "target": link.target,
            "value": in_digits(link.value),
            "interval": f"{in_digits(link.lower)} to {in_digits(link.upper)}",
            "p": in_digits(link.p_value),
            "q": in_digits(float(q)),
            "n": f"{link.n:,}",
            "note": link.note or ("" if q <= network.fdr else "not significant"),
        }
        for link, q in list(zip(network.links, network.q_value, strict=True))[:ROWS]
    ]


def _targets(network: "Network") -> list[dict[str, str]]:
    return [
        {
            "name": target.name,
            "own": ", ".join(map(str, target.own_lags)) or "none",
            "sources": str(len({link.source for link in target.links})),
            "information": in_digits(target.information),
            "n": f"{target.n:,}",
            "note": target.note or "",
        }
        for target in network.targets
    ]


def _facts(network: "Network") -> list[tuple[str, str]]:
    options = ", ".join(f"{name} = {value}" for name, value in network.options.items())
    facts = {
        "Series": f"{len(network.names):,}",
        "Rows": f"{sum(network.trials):,}"
        + (f" in {len(network.trials):,} trials" if len(network.trials) > 1 else ""),
        "Lags": f"1 to {network.max_lag}",
        "Degree": str(network.degree),
        "Level of each test": f"{network.alpha:g}",
        "False discovery rate": f"{network.fdr:g}",
        "Surrogates": f"{network.surrogates:,}",
        "Estimator of values": network.estimator + (f" ({options})" if options else ""),
        "Confidence": f"{100 * network.confidence:g}%",
        "Seed": str(network.seed),
        "Seconds": f"{network.seconds:.3g}",
        **network.versions,
    }
    return list(facts.items())


def python_call(network: "Network") -> str:
    """The call that gives the same network."""
    options: dict[str, tuple[Any, Any]] = {
        "max_lag": (network.max_lag, 10),
        "degree": (network.degree, 3),
        "alpha": (network.alpha, 0.05),
        "fdr": (network.fdr, 0.05),
        "surrogates": (network.surrogates, 499),
        "estimator": (network.estimator, "copula"),
        "confidence": (network.confidence, 0.95),
        "unit": (network.unit, "nats"),
        "seed": (network.seed, 0),
    }
    return call_of("network", network.arguments, options, network.estimator, network.options)

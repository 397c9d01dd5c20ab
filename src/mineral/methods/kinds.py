"""What kinds of variables the coordinates are: numbers, symbols, labels, or numbers with atoms."""

import numpy as np

from mineral.samples import Paired

FEW_VALUES = 20  # a coordinate with at most so many different values is discrete
ATOM = 0.1  # share of the rows that one value may have in a continuous coordinate
ROWS_A_SYMBOL = 1.5  # on average, from which whole numbers may be symbols
ROWS_A_LABEL = 10  # on average, from which a side is a label
FEW_ROWS_TO_LEARN = 100  # below, no classifier is trained
ROWS_A_CELL = 5  # from which counts are as good as it gets


def is_label(samples: Paired) -> bool:
    """Whether one side has few different rows, each of them often."""
    fewest = min(len(np.unique(side, axis=0)) for side in (samples.x, samples.y))
    return len(samples) >= max(ROWS_A_LABEL * fewest, FEW_ROWS_TO_LEARN)


def of_numbers(samples: Paired) -> bool:
    """Whether what goes with the label is of numbers that hardly come again."""
    different = max(len(np.unique(side, axis=0)) for side in (samples.x, samples.y))
    return different > (1 - ATOM) * len(samples)


def may_be_symbols(samples: Paired) -> bool:
    """Whether x and y are one column each, of whole numbers that nearly all come again."""
    if samples.dims != 2:
        return False
    columns = (samples.x[:, 0], samples.y[:, 0])
    return all(
        len(np.unique(column)) * ROWS_A_SYMBOL <= len(column) and bool((column % 1 == 0).all())
        for column in columns
    )


def counts_are_many(samples: Paired) -> bool:
    """Whether the cells of a table of x with y are well filled."""
    joint = np.unique(np.hstack([samples.x, samples.y]), axis=0)
    return len(samples) >= ROWS_A_CELL * len(joint)


def discrete_in(samples: Paired) -> list[str]:
    """Names of coordinates of words, of few values, or of one often, though not constant ones."""
    few, often = min(FEW_VALUES, len(samples) // 5), max(ATOM * len(samples), ROWS_A_CELL)
    found = []
    columns = zip((*samples.x_names, *samples.y_names), (*samples.x.T, *samples.y.T), strict=True)
    for name, column in columns:
        _, counts = np.unique(column, return_counts=True)
        symbols = len(counts) <= few or counts.max() > often or name in samples.words
        if len(counts) > 1 and symbols:
            found.append(name)
    return found

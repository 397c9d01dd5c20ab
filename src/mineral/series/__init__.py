"""Directed information between time series: the past of one and the present of another.

reading.py      one or several trials of a series of any type, as columns
embedding.py    rows of lags, none across two trials, without those with a missing value
history.py      how many lags of its own past predict a series best, by cross-validation
dependent.py    an estimator whose standard error allows for autocorrelated contributions
margins.py      standardized values in place of ranks, for slow series that may be normal
theiler.py      neighbours that are not near in time
surrogates.py   the test: against sources with the same autocorrelation and no relation
directed.py     transfer entropy and active information
lagged.py       mutual information at a range of lags: a curve with intervals

Read `embedding.py` first, then `directed.py`.
"""

from mineral.series.directed import active_information, transfer_entropy
from mineral.series.lagged import Lagged, lagged

__all__ = ["Lagged", "active_information", "lagged", "transfer_entropy"]

"""Networks: a critic learns to separate joint from product samples; held-out rows are reported.

Read in this order:

    crossfit.py     every row is reported on by a network that never saw it
    critics.py      `mine` and `infonce`: a critic and a bound
    variational.py  the other bounds of the literature, one short class each
    baselined.py    bounds with a learned baseline: `tuba`, `interpolated`, `flo`
    residual.py     a copula first, and a network for what it misses
"""

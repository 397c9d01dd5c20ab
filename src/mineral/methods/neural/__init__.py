"""Neural estimators: a critic learns to classify joint against product samples, cross-fitted.

Read in this order:

    crossfit.py     cross-fitting: every row is evaluated by a network that was not trained on it
    critics.py      `mine` and `infonce`: a critic and a bound
    jackknife.py    the standard error
    variational.py  the other bounds of the literature, one short class each
    baselined.py    bounds with a learned baseline: `tuba`, `interpolated`, `flo`
    residual.py     a copula with a neural correction
"""

"""Experiments about estimators: their errors, limits and gradients.

estimation.py   MINE against non-parametric estimators, as the correlation grows
nonlinear.py    Y = f(X) + noise for several f
staircase.py    critics that learn on while the information rises by steps
drifting.py     Donsker–Varadhan drifts and explodes, and its cure
limits.py       what no lower bound can reach
gradients.py    the gradient of the information, by MIGE and by critics
consistency.py  three properties of information, tested on MNIST
"""

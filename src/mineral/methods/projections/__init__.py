"""Many columns: what matters in few of their combinations.

Read in this order:

    projection.py         `projected`: principal components, then a copula and a network
    kcca.py               kernel canonical variates: the most dependent functions of x and of y
    canonical.py          `canonical`: estimates among these variates
    clusters.py           `clusters`: clusters of each side, counted against each other
    weak_correlations.py  `weak-correlations`: many that are too weak to be seen one by one
    latent.py             `lmi`: a network learns few numbers of each side
"""

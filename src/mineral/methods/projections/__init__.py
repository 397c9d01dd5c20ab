"""Many columns, reduced to few combinations of them.

Read in this order:

    projection.py         `projected`: principal components, then a copula and a network
    kcca.py               kernel canonical variates: the most dependent functions of x and of y
    canonical.py          `canonical`: estimates on these variates
    clusters.py           `clusters`: a contingency table of clusters of x and of y
    weak_correlations.py  `weak-correlations`: many correlations, each too weak to be detected
    latent.py             `lmi`: a network learns a low-dimensional representation of each side
"""

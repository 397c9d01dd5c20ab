"""A label and its features.

Read in this order:

    labels.py        which side is the label, folds of its rows, features on one scale
    densities.py     densities of a class beside Gaussians: centroids, histograms, atoms
    discriminant.py  the estimator `discriminant`: a Gaussian for each class
    classifier.py    the estimator `classifier`: a network on held-out rows
"""

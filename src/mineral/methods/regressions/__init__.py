"""One number as a function of others, plus noise.

curves.py      curves through the rows nearest in one predictor
process.py     a Gaussian process of several predictors
regression.py  the estimator `regression`: the entropy of y less that of the residuals
"""

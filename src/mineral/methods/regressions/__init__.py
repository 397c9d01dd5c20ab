"""One number as a function of others, plus noise.

local_polynomial.py  local lines and cubics in one predictor
gaussian_process.py  a Gaussian process of several predictors
regression.py        the estimator `regression`: the entropy of y minus that of the residuals
"""

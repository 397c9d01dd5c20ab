"""Copulas of few parameters: exact if the model holds, in milliseconds.

Read in this order:

    gaussian.py      `gaussian` and `copula`: closed forms, with an exact bias correction
    student.py       `t-copula`: tail dependence
    contaminated.py  `contaminated-copula`: a share of the rows is paired at random
    likeliest.py     the best-fitting of the three, which the default uses
"""

"""The default estimator, `auto`: a profile, a table of candidates, one rule of comparison.

Read in this order:

    auto.py            the estimator: the search in its wrappers (`methods/wrappers/`)
    search.py          candidates that apply are measured and compared
    profile.py         facts about the samples, computed once: types of columns, values, ties
    views.py           the inputs of a candidate: as given, ties broken at random, normal scores
    candidates.py      the table: each estimator, its view, its precondition on the profile
    comparison.py      the rule by which a candidate replaces another, or both are averaged
    bias_allowance.py  what is added to the upper end of intervals, and how it was measured
"""

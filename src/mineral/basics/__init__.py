"""What everything else uses: names that users choose between, types with shapes, formulas.

choices.py    words that users choose between
types.py      the nouns of the library, with their shapes
numerics.py   numerically careful versions of formulas
intervals.py  intervals of a share, of a mean and of any statistic of rows
special.py    SciPy's special functions, imported at the first call
plain.py      values as JSON can hold them
terminal.py   texts from outside, as a terminal may show them
"""

"""What everything else uses: names that users choose between, types with shapes, formulas.

choices.py   words that users choose between
types.py     the nouns of the library, with their shapes
numerics.py  numerically careful versions of formulas
special.py   SciPy's special functions, imported at the first call
terminal.py  texts from outside, as a terminal may show them
"""

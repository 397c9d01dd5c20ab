"""Commands on all columns of a table: `mineral matrix` (matrix.py)."""

"""Columns: from arrays, tensors, lists and frames to numbers.

variable.py     one variable, from any container
alignment.py    pandas indexes that differ are refused
text.py         columns of text as integer codes
categorical.py  categories: codes, names, indicators
times.py        dates and durations as elapsed time
"""

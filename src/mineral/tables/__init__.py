"""Files → named variables: text, .xlsx, Parquet, Feather, .npy and .npz.

A source reads the names in a file before any numbers, and then only the chosen columns. Nothing is
written, and nothing in a file is executed: no pickles. `reading.py` chooses the kind and the
columns, `text.py` splits lines, `fields.py` reads one column of text, `binary.py` and
`spreadsheet.py` read the other kinds.
"""

from mineral.tables.reading import SOURCES, Table, chosen, names, read, read_sides

__all__ = ["SOURCES", "Table", "chosen", "names", "read", "read_sides"]

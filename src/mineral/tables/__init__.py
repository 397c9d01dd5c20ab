"""Files → named variables: text, .xlsx, Parquet, Feather, .npy and .npz.

A source reads the names in a file before any numbers, and then only the chosen columns. Nothing is
written, and nothing in a file is executed: no pickles.

reading.py      chooses the kind of file, and the columns
source.py       what every kind has
text.py         splits lines; fields.py reads one column of text
binary.py, spreadsheet.py  the other kinds
"""

from mineral.tables.reading import SOURCES, Table, chosen, names, read, read_sides

__all__ = ["SOURCES", "Table", "chosen", "names", "read", "read_sides"]

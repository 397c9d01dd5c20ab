"""The report of an audit: one HTML page.

page.py      the page
words.py     its sentences
drawings.py  its figures
"""

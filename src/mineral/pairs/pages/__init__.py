"""A matrix as pictures and as an HTML page.

pictures.py  a heat map, and bars of the strongest pairs
graph.py     the strongest dependent pairs as a graph
page.py      the page, by template.html.j2; search.js searches its table
"""

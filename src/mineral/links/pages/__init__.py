"""A network as pictures (`pictures.py`) and as an HTML page (`page.py`, `template.html.j2`)."""

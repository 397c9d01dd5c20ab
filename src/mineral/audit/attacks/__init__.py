"""Attacks on encoders, by what the adversary has.

classifiers.py, views.py  retrained classifiers, and the views of codes that they use
labels.py                 codes with their labels
lookalike.py              an encoder like the victim's, without any pair
imitations.py             what raw rows and codes have in common
transfer.py               classifiers of a look-alike's codes
plaintext.py              a few raw rows with their codes
matching.py               the published attack on NeuraCrypt
reidentification.py       whose code is this
reconstruction.py         raw rows from codes
"""

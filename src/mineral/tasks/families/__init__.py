"""Families of tasks, each with its exact information.

beyond_normal.py, elliptical.py, high.py, low_rank.py  Gaussian and Student, one to 5,000 columns
mixtures.py, channels.py                               mixtures; chosen amounts of information
discrete.py, mixed.py                                  symbols; partly discrete variables
digits.py, images.py, embeddings.py                    images and embeddings
directed.py                                            transfer entropies of series
"""

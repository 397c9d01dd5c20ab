"""Experiments with encoders that keep a label and hide another (the thesis, InfoShape, NeuraCrypt).

shaping_gaussian.py  Gaussian classes
shaping_mnist.py     MNIST
neuracrypt.py        attacks on NeuraCrypt
frontiers.py         a sweep of encoders over β
"""

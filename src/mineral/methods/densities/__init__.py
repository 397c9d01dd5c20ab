"""Densities: mixtures, kernels, flows and diffusion.

mixture.py     `mixture`: a Gaussian mixture of the joint distribution
kde.py         `kde`: kernel densities beside the Gaussian value
generative.py  `doe`, `flow`, and the upper bounds `club` and `leave-one-out`
diffusion.py   `minde`: how much y helps to remove noise from x
"""

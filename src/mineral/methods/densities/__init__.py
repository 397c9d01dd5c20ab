"""Densities: mixtures, kernels, flows and diffusion.

mixture.py     `mixture`: a Gaussian mixture of the joint distribution
kde.py         `kde`: kernel density estimates, starting from a Gaussian
generative.py  `doe`, `flow`, and the upper bounds `club` and `leave-one-out`
diffusion.py   `minde`: how much y improves the denoising of x
"""

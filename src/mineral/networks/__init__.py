"""Networks beside critics, and the one training loop.

training.py   the training loop: early stopping on held-out rows, the best weights
densities.py  densities q(y) and q(y | x), fitted by maximum likelihood
denoising.py  denoisers, for diffusion estimators
"""

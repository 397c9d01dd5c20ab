"""Networks beside critics, and the one training loop.

training.py   the training loop: early stopping on held-out rows, the best weights
scoring.py    scores of joint and product pairs
direct.py     critics whose gradients are written out, one or several at once
layers.py     their layers
flat.py       their parameters in one vector, and Adam's steps
densities.py  densities q(y) and q(y | x), fitted by maximum likelihood
denoising.py  denoisers, for diffusion estimators
"""

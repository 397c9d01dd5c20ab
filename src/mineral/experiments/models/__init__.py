"""Experiments with models that learn by information: GANs, ALI, bottlenecks, InfoMax.

points.py, plane.py             GANs in the plane: spiral, 25 Gaussians
stacked.py, reading.py          stacked MNIST, and the network that reads its digits
bidirectional.py                encoders and decoders (ALI)
games.py                        how adversarial experiments train
bottleneck.py, kept.py          the information bottleneck on MNIST
infomax.py                      Deep InfoMax
information_plane.py            Tishby's information planes
digits.py                       MNIST, split once
"""

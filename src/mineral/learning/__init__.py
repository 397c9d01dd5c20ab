"""Mutual information as a term of a loss, and models that are trained with it.

information.py    `Information`: a term of any loss, with a critic trained alongside
monitor.py        a Lightning callback that estimates information during training
stacked.py        many critics in one batch
gan.py, images.py GANs whose samples keep the information of a latent code
bidirectional.py  ALI: an encoder and a decoder with equal joints
bottleneck.py     the information bottleneck; penalties.py its penalties
infomax.py        Deep InfoMax; views.py random views of images, compared by their codes
"""

from mineral.learning.bidirectional import Bidirectional, GaussianEncoder, PairDiscriminator
from mineral.learning.bottleneck import Bottleneck
from mineral.learning.gan import Adversaries, PointDiscriminator, PointGenerator
from mineral.learning.images import ImageDiscriminator, ImageFeatures, ImageGenerator
from mineral.learning.infomax import InfoMax, infomax
from mineral.learning.information import Information, Term, UpperInformation

__all__ = [
    "Adversaries",
    "Bidirectional",
    "Bottleneck",
    "GaussianEncoder",
    "ImageDiscriminator",
    "ImageFeatures",
    "ImageGenerator",
    "InfoMax",
    "Information",
    "PairDiscriminator",
    "PointDiscriminator",
    "PointGenerator",
    "Term",
    "UpperInformation",
    "infomax",
]

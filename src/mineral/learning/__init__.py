"""Mutual information as a term of a loss, and models that are trained with it."""

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

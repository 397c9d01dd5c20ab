"""Networks that learn by information: terms for any loss, and models that are known for it."""

from mineral.learning.information import Information, Term, UpperInformation

__all__ = ["Information", "Term", "UpperInformation"]

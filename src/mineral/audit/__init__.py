"""What encoders keep and leak, and which attacks break them. None is promised to be private."""

from mineral.audit.audit import ATTACKS, Recorded, audit
from mineral.audit.findings import Audit, Audited
from mineral.audit.rows import Attack, Measure

__all__ = ["ATTACKS", "Attack", "Audit", "Audited", "Measure", "Recorded", "audit"]

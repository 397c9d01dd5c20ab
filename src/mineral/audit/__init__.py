"""Audits of encoders: kept and leaked information, and attacks. No encoder is proved private."""

from mineral.audit.audit import ATTACKS, Recorded, audit
from mineral.audit.findings import Audit, Audited
from mineral.audit.rows import Attack, Measure

__all__ = ["ATTACKS", "Attack", "Audit", "Audited", "Measure", "Recorded", "audit"]

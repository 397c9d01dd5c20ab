"""Audits of encoders: kept and leaked information, and attacks. No encoder is proved private.

Read in this order:

    rows.py      a measure with the side of its bound; an attack with its chance level
    utility.py   information about the kept label, accuracy, area under the curve
    leakage.py   bounds on the information about the hidden variable
    attacks/     classifiers, matching, reconstruction, re-identification, plaintext
    audit.py     all of these for several encoders, on the same rows
    findings.py  the result
    pages/       its report
"""

from mineral.audit.audit import ATTACKS, Recorded, audit
from mineral.audit.findings import Audit, Audited
from mineral.audit.rows import Attack, Measure

__all__ = ["ATTACKS", "Attack", "Audit", "Audited", "Measure", "Recorded", "audit"]

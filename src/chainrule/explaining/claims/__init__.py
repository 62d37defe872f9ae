"""Claims about a network: the numbers that somebody printed, and which of them hold."""

from chainrule.explaining.claims.causes import Cause
from chainrule.explaining.claims.file import EXAMPLES, Claim, ClaimFile, read_claims
from chainrule.explaining.claims.report import ClaimReport, Finding, check_claims

__all__ = [
    "EXAMPLES",
    "Cause",
    "Claim",
    "ClaimFile",
    "ClaimReport",
    "Finding",
    "check_claims",
    "read_claims",
]

"""A local learning rule in SI units: its terms, its text, and how it is read from a file."""

from neuroalign.rule.learning_rule import (
    RESERVED,
    TAG,
    WEIGHT,
    Gate,
    LearningRule,
    Modulator,
    RuleTrace,
    Side,
    Term,
    check_rates,
)

__all__ = [
    "RESERVED",
    "TAG",
    "WEIGHT",
    "Gate",
    "LearningRule",
    "Modulator",
    "RuleTrace",
    "Side",
    "Term",
    "check_rates",
]

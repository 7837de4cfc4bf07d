"""Names that a shell completes: of profiles and rules. Called at the press of a key, so nothing heavy is imported before."""

from __future__ import annotations


def profile_names(incomplete: str) -> list[str]:
    """Built-in profiles that begin so."""
    from neuroalign.profile import available_profiles

    return [name for name in available_profiles() if name.startswith(incomplete)]


def rule_names(incomplete: str) -> list[str]:
    """Rules that begin so."""
    from neuroalign.rules import RULES

    return [name for name in sorted(RULES) if name.startswith(incomplete)]

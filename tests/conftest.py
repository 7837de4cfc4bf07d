"""Fixtures for all tests."""

from __future__ import annotations

from pathlib import Path

import pytest

SHARED = Path(__file__).resolve().parents[1] / ".." / "shared" / "data"


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Recorded traces and networks of others, which lie beside the checkout and do not ship with it."""
    if not SHARED.is_dir():
        pytest.skip("shared data is absent: ../shared/data holds recorded traces and other people's networks")
    return SHARED.resolve()

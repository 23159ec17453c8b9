"""What the command's tests share."""

import pytest

from warpfive.chip import library


@pytest.fixture(scope="session", autouse=True)
def chip_library() -> None:
    """The library is there: no command under test says that it builds it."""
    library()

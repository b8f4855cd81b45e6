"""Fixtures that several test files share."""

import os
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="session")
def shared_folder():
    """Folder of reference optima and data that are not part of the repository."""
    folder = ROOT / os.environ.get("PYMTL_SHARED", "../shared")
    if not folder.is_dir():
        pytest.skip(f"the shared folder {folder} is not here (PYMTL_SHARED)")
    return folder

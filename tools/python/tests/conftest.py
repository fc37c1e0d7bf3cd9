"""What the tests share: the build that they are of."""

import os
from pathlib import Path

import pytest

SOURCE = Path(__file__).resolve().parents[3]


@pytest.fixture
def build():
    return Path(os.environ["ASSAY_BUILD"])


@pytest.fixture
def source():
    return SOURCE

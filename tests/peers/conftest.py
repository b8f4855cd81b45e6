"""What scikit-learn's test modules find in its own conftest."""

import pytest


def pytest_configure(config):
    config.addinivalue_line("markers", "thread_unsafe: of scikit-learn's tests")


@pytest.fixture
def global_random_seed():
    return 42

"""What the tests of a network share: two hosts, made anew for each test."""

import pytest

import namespaces


@pytest.fixture
def network():
    try:
        with namespaces.hosts() as made:
            yield made
    except namespaces.Unavailable as reason:
        pytest.skip(str(reason))

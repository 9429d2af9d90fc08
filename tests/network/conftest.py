"""Fixture of the network tests: two hosts, created for each test."""

import pytest

import namespaces


@pytest.fixture
def network():
    try:
        with namespaces.hosts() as made:
            yield made
    except namespaces.Unavailable as reason:
        pytest.skip(str(reason))

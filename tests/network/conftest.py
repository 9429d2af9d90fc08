"""Fixture of the network tests: two hosts, created for each test."""

import pytest

import namespaces


@pytest.fixture(scope="session")
def can_make_hosts():
    """Skips the tests, with the reason, if hosts cannot be created."""
    if reason := namespaces.why_not():
        pytest.skip(reason)


@pytest.fixture
def network(can_make_hosts):
    with namespaces.hosts() as made:
        yield made

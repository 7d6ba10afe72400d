"""Tests of screens are coroutines, as those of the cockpit are."""

from tests.cockpit.conftest import pytest_pyfunc_call

__all__ = ["pytest_pyfunc_call"]

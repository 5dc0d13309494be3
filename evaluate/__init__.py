"""Measures how good the verdicts are, against simulated truth: `make evaluate`, and in small in the tests."""

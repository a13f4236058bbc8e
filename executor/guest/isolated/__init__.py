"""Test code in one process, and the candidate in another."""

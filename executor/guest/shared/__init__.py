"""Test code and candidate in one process, under the real pytest."""

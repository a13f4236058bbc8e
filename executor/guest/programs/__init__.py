"""Whole programs, which read standard input and write standard output."""

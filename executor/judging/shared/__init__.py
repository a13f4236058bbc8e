"""Suites that run in the candidate's own process, under the real pytest, and their guards."""

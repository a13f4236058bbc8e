"""Reads test code: what it checks, what its names stand for, what is written out in it."""

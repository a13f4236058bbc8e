"""Test frameworks of languages other than Python: how their tests are run, and what they report."""

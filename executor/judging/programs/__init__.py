"""Test code in other languages than Python, which runs as one program with the candidate."""

"""Programs in other languages than Python: compiled in one jail, run in others."""

"""Makes changed copies of checks, which must fail."""

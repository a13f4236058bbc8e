"""Takes work from Redis or from a caller, and keeps slots busy with it."""

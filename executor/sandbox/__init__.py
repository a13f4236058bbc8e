"""A confined and accounted process. Nothing here knows what a test is."""

"""What is known of a suite before any candidate: whether it can judge, and how strong it is."""

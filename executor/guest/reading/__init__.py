"""What the text of test code tells."""

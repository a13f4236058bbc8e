"""Changed copies of tests, which a right program fails."""

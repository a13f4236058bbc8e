"""What a step minimises: each mode is a pure function of the log-probabilities of tokens."""

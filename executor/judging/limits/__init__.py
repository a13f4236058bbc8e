"""What a test, a program and all its processes may use, and what they have used."""

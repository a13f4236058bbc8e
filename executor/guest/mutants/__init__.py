"""Small changes that should make a program wrong."""

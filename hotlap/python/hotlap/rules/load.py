"""Rules about load."""

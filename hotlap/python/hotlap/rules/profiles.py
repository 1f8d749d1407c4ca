"""Rules about profiles."""

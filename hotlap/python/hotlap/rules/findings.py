"""Rules about findings."""

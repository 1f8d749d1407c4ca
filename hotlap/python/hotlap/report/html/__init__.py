"""A run and a comparison as pages that need no network."""

"""The scenarios' functions beyond the article's: a module for each suite and variant."""

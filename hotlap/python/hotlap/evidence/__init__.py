"""What was seen, typed and whole: nothing here says what it means. What was not measured is ``None``, never 0."""

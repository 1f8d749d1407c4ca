"""The ladder: a second example app, on the service's parts, of locks, loops and the boundary between them."""

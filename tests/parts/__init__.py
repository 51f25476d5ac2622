"""Real programs started for a test: each a context manager that ends what it started."""

"""Long work, done by worker processes."""

"""Filter expressions, and the item attributes of segment jobs: read, checked, evaluated."""

"""What the worker processes do: import, train, infer, segment, export, delete."""

"""The seventeen kinds of resource, one module for each that belongs together; `table` has them all."""

"""All files of an export together, after each of them was normalised."""

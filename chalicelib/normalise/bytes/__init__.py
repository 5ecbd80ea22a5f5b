"""A file as bytes: streams in, streams out, one megabyte at a time. No SQL here."""

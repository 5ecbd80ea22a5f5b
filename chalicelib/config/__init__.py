"""`recdrop.toml` of one dataset group: what may stand in it, how it is read, how a mistake is told.

Deliberately not here: reading it from S3, and anything that depends on the data.
"""

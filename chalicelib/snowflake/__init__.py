"""Snowflake's external functions: rows in, rows out, same numbers, same order.

protocol.py    the batch: parse, check arity, answer
functions.py   recommend, similar, rank, popular as SQL functions
pace.py        how many calls run at once against a back-end with a rate limit
"""

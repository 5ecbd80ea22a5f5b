"""Snowflake's external functions: rows in, rows out, same numbers, same order.

protocol.py    the batch: parse, check arity, answer
functions.py   the SQL functions: name, arguments, and a row as a question
batches.py     a batch answered: each distinct question once, by a bounded number of threads
pace.py        how many calls a second a campaign takes, learnt from its own throttles
"""

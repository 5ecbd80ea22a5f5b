"""Is a URL an external function as Snowflake wants it? Asked over HTTP, from outside.

wire.py     requests as Snowflake sends them
checks.py   the rules, each a function that asks and says what is wrong
"""

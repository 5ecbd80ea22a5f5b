"""What is done for Snowflake on the laptop.

parameters.py   the names that the set-up is made of, checked
statements.py   the statements of the set-up, and of its removal
page.py         docs/sql.md, from the registry of the functions
"""

"""IAM on the laptop: every call through the local port is judged as AWS judges it.

`policy`, `patterns`, `conditions` and `judge` are pure: policies and a request in, a decision out.
"""

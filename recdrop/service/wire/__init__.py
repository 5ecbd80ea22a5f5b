"""Requests and answers, as botocore's service models describe them."""

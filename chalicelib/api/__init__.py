"""The HTTP API: routes, and the edge between API Gateway and the rooms that answer.

request.py   an API Gateway event to decoded text, headers and JSON
reply.py     a payload with its status; every failure as one
http.py      one request to one response, whatever happens in between
routes.py    the routes, one method each, and what they are made of
access.py    which key a route wants, and which web pages may read its answers
health.py    /health and /status
runs.py      /runs/{run}
"""

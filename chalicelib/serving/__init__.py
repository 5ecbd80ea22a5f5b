"""What answers people: recommendations, similar items, ranking, popularity, and the HTTP edge
around them.

    request.py    an API Gateway event to decoded text, numbers and JSON
    http.py       one handler call to one HTTP response; every error becomes {"error": {"code",
                  "message"}}
    api.py        the routes, one method each
    options.py    the query parameters that the routes share
    records.py    which campaign serves which group, read from the ledger's table
    runtime.py    Personalize's runtime: bounded retries, a deadline, typed failures
    recommend.py  campaign, cache or fallback: the decision of every answer
    popular.py    the popular list in S3, what is served when a campaign is not
    cache.py      answers of the last seconds
    segment.py    Segment's calls as events (chalicelib/events.py sends them)

Nothing here makes a client or reads the environment: `Api` gets factories.
"""

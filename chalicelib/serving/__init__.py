"""What answers a question: recommendations, similar items, a ranking, what is popular.

    errors.py      failures that a caller sees, each with its HTTP status
    values.py      JSON values: reading, naming and quoting them
    ids.py         ids of users and items
    options.py     what a caller may wish for: number, filter, context, group, solution
    question.py    one question to one solution
    answers.py     the answer, and who gave it
    group.py       what a group serves
    catalogue.py   the groups, read from the ledger's table and kept for seconds
    calls.py       a call to Personalize: bounded retries inside a deadline
    campaign.py    a campaign asked: the question as the service takes it, its answer as ours
    popular.py     the popular lists in S3
    fallback.py    the answer in place of a campaign's, made of the popular list
    cache.py       answers of the last seconds
    recommend.py   campaign, cache or fallback: the decision of every answer

The rooms around it: api/ (HTTP), snowflake/ (batches of rows), streaming/ (events). They import this
one; it imports none of them, makes no client and reads no environment.
"""

"""For tests of your own application of Amazon Personalize.

    fixtures   `recdrop.testing.plugin`, which pytest finds by itself once recdrop is installed
    mock       `recdrop.personalize.mock`, a decorator and context manager in moto's manner

Both start a local Personalize in this process, with an S3 beside it, and lead boto3 there.
"""

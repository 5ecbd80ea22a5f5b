"""recdrop on one machine: the command line, the local AWS, the local Amazon Personalize and the
recommender.
"""

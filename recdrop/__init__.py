"""recdrop on one machine.

The command line, the local AWS, the local Amazon Personalize and the recommender.
"""

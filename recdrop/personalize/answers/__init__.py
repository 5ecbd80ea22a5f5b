"""Recommendations: the models, metadata and histories they are made of, and the three operations."""

"""Datasets: their schemas, the rules of their files, and the tables that are read from them."""

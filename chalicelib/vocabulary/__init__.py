"""What the field's words mean here, each said once: recipes, dataset kinds, metrics.

Frozen tables of facts, one row a thing. Everything that must tell one recipe, dataset or metric from
another asks these tables; to add one is to add a row. Nothing here calls AWS or reads a file.
"""

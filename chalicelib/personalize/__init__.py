"""Amazon Personalize as the pipeline needs it.

Every resource is described or created once (`ensure`), then ready or pending.
"""

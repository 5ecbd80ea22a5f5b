"""Amazon Personalize as the pipeline needs it: every resource is described or created once
(`ensure`), then ready or pending.
"""

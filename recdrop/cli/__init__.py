"""The verbs of `recdrop`, a module each, imported when it is called."""

"""Least privilege, both ways: nothing that is needed is missing, nothing is there unneeded.

A missing allow fails a test by itself, since the laptop refuses what AWS would. The other way is
asked of a recording of those tests (`removals`): an allow without which no recorded request would be
refused is not needed. `reference` holds every policy against AWS's own list of actions, `page`
writes docs/permissions.md.
"""

"""How each tool writes its files, one module a tool: names that mean something, and lists of files.

A group's files are not told apart by `source.kind` yet. Each habit is particular enough to be
recognised whoever wrote the file, so `registry` asks all the tools. (Segment's habits are in its
columns, chalicelib/normalise/columns.py, and in the name of its folder, chalicelib/vocabulary.)
"""

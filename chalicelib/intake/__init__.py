"""From an object in the drop bucket to a run: what arrived, whether it is a complete export, the start.

inbox        a message arrives; look at its group, and act
keys         what one object is, by its key
manifests    lists of files that tools write beside their exports
selection    which of the arrived files count
sets         is the export complete? Facts in, one decision out
starting     a run begins: the one place
retraining   runs without a new export
"""

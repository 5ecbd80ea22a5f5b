"""An export on a laptop's disk, judged as the pipeline would judge it, without a stack.

`finding` says which files there are, `looking` what a file begins with, `guessing` what its columns
mean, `judging` runs the pipeline's own functions over them, `suggesting` writes a `recdrop.toml`,
`telling` says it all. Nothing here decides what is right: that is `chalicelib.normalise`.
"""

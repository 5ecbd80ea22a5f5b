"""What can be learnt from histories and metadata: one idea a module, each usable alone."""

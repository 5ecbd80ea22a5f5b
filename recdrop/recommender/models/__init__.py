"""What answers questions: one class per kind of model, made of arrays alone."""

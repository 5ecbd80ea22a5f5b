"""What a model is trained from: checked records, one history per user, and the events held back."""

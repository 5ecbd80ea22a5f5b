"""How a model is made from data: choose settings, measure on held-out users, train on all."""

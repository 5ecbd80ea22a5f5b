"""Recommenders trained by measurement on two cores: `fit` a recipe on `TrainingData`, ask the model, `save`, `load`.

Nothing here reads or writes anything but a model's own files.
"""

from recommender import metrics
from recommender.data import Column, Event, Query, Scored, TrainingData
from recommender.evaluation import evaluate
from recommender.files import ModelFileError
from recommender.model import Model
from recommender.recipes import RECIPES, fit, load

__all__ = [
    "RECIPES",
    "Column",
    "Event",
    "Model",
    "ModelFileError",
    "Query",
    "Scored",
    "TrainingData",
    "evaluate",
    "fit",
    "load",
    "metrics",
]

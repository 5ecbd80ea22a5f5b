"""Recommenders trained by measurement on two cores.

`fit` a recipe on `TrainingData`, ask the model, `save` it, `load` it, `update` it. Nothing here
reads or writes anything but a model's own files.
"""

from recdrop.recommender import metrics
from recdrop.recommender.data.records import Column, Event, Query, Scored, TrainingData
from recdrop.recommender.files import ModelFileError
from recdrop.recommender.fitting.evaluation import evaluate
from recdrop.recommender.models.base import Model
from recdrop.recommender.recipes import RECIPES, fit, load, update

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
    "update",
]

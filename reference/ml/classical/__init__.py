"""Classical machine learning: linear models, neighbours, trees."""

from reference.ml.classical.decision_tree import DecisionTreeScratch
from reference.ml.classical.knn import KNNScratch
from reference.ml.classical.linear_regression import LinearRegressionScratch

__all__ = ["DecisionTreeScratch", "KNNScratch", "LinearRegressionScratch"]

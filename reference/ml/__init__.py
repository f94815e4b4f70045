"""Machine learning: classical estimators and neural network layers."""

"""The complete implementation that the katas are judged against."""

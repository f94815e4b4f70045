"""Language models: attention and what is built on it."""

"""The six kinds of round."""

"""The parts of the mutant maker: where, what, and by which words."""

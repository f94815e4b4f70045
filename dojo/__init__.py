"""The runner: catalogue, judge, stub generator, command line."""

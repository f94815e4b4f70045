"""One profile of Hypothesis for the suite: the same examples on every run.

A test that fails by chance teaches a contributor nothing about the change at
hand; ``--hypothesis-profile=default`` draws anew, to look for more.
"""

from hypothesis import settings

settings.register_profile("suite", derandomize=True, deadline=None)
settings.load_profile("suite")

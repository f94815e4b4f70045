"""What to come back to today, from the evidence of katas and interviews."""


def show(argv: list[str]) -> int:
    """Run ``kata review`` with these arguments; return the exit code."""
    from interviews.review.cli import main

    return main(argv)

"""State machines whose steps the verdict can show.

A property over a state machine is a plain test function:

    def test_agrees_with_a_model() -> None:
        '''The cache answers as a dictionary with an order would.'''
        run_machine(CacheMachine)
"""

from hypothesis.stateful import RuleBasedStateMachine, run_state_machine_as_test

from dojo.recording import RECORDER, fix_seed


class StateMachine(RuleBasedStateMachine):
    """A state machine that begins each example with an empty record of calls."""

    def __init__(self) -> None:
        RECORDER.begin()
        super().__init__()


def run_machine(machine: type[StateMachine], steps: int = 20) -> None:
    """Run examples of ``machine``, each of at most ``steps`` steps."""
    from hypothesis import settings

    fix_seed(machine, RECORDER.seed)
    run_state_machine_as_test(machine, settings=settings(stateful_step_count=steps))


def step(text: str) -> None:
    """Add a line to what the verdict shows, such as a request to an endpoint."""
    RECORDER.step(text)

"""The screen: a prompt, and below it a bar with the clock that is always seen.

One thread: while the prompt waits for keys, a task beside it lets the session's
time pass, shows above the prompt what the session says, and draws the bar anew.
"""

import asyncio
import sys
from contextlib import suppress

from prompt_toolkit import PromptSession
from prompt_toolkit.application import in_terminal
from prompt_toolkit.application.current import set_app
from prompt_toolkit.key_binding import KeyBindings, KeyPressEvent
from prompt_toolkit.renderer import CPR_Support

from interviews.terminal.interrupts import INTERRUPTED, uninterrupted
from interviews.terminal.words import Sitting, Status, toolbar

# How often, in seconds, time is looked at and the bar drawn anew.
_REFRESH = 0.2
# How long before its end, in seconds, a phase is given what is half typed; with less
# left than the second it would come too late.
_LAST, _TOO_LATE = 0.1, 0.02


class Screen:
    """Runs a session on a terminal."""

    def __init__(self) -> None:
        self._pending: list[str] = []
        self._sitting: Sitting | None = None
        self._prompt: PromptSession[str] = PromptSession(
            self._message,
            bottom_toolbar=self._bar,
            key_bindings=self._bindings(),
            reserve_space_for_menu=0,
        )

    def show(self, text: str) -> None:
        """Keep a text; it is shown above the prompt before anything else happens."""
        self._pending.append(text)

    def run(self, sitting: Sitting) -> bool:
        """Run the session; False where the candidate left before it was over."""
        self._sitting = sitting
        try:
            with uninterrupted(self.show):
                return asyncio.run(self._run(sitting))
        finally:
            self._print()

    async def _run(self, sitting: Sitting) -> bool:
        while not sitting.status().over:
            self._print()
            try:
                text = await self._ask(sitting)
            except EOFError:
                return False
            # Text that was pasted can have several lines.
            for line in text.splitlines():
                sitting.handle(line)
        return True

    async def _ask(self, sitting: Sitting) -> str:
        """Ask for a line while time passes; "" where the session ended meanwhile."""
        stop = asyncio.Event()
        passing: asyncio.Task[None] | None = None

        def begin() -> None:
            nonlocal passing
            passing = asyncio.get_running_loop().create_task(self._pass(sitting, stop))

        try:
            return await self._prompt.prompt_async(pre_run=begin)
        finally:
            stop.set()
            if passing is not None:
                await passing

    async def _pass(self, sitting: Sitting, stop: asyncio.Event) -> None:
        """Let time pass until the prompt has its answer, or the session is over."""
        app = self._prompt.app
        with set_app(app):
            while not stop.is_set():
                try:
                    before = sitting.status()
                    self._hand_over(sitting, before)
                    sitting.tick()
                    self._tell_unsent(before, sitting.status())
                    if self._pending:
                        async with in_terminal():
                            self._print()
                except Exception as error:
                    if not self._waits():
                        raise
                    app.exit(exception=error)
                    return
                if sitting.status().over:
                    if self._waits():
                        app.exit(result="")
                    return
                app.invalidate()
                with suppress(TimeoutError):
                    await asyncio.wait_for(stop.wait(), _pause(sitting.status()))

    def _hand_over(self, sitting: Sitting, status: Status) -> None:
        """Give a phase that ends now the text that is half typed: a draft counts."""
        text = self._prompt.default_buffer.text
        ends = _TOO_LATE < status.left_phase <= 2 * _LAST
        if ends and status.takes_text and text.strip() and not _is_command(text):
            self._prompt.default_buffer.reset()
            self.show(f"The time of {status.phase} is up; taken as it stood:")
            for line in text.splitlines():
                self.show(f"  | {line}")
                sitting.handle(line)

    def _tell_unsent(self, before: Status, after: Status) -> None:
        """Say where a half-typed line goes, when another phase began meanwhile."""
        moved = (before.title, before.phase) != (after.title, after.phase)
        if moved and self._prompt.default_buffer.text.strip() and not after.over:
            self.show(
                "What you were typing was not sent: "
                f"Enter sends it to {after.phase}, Ctrl-U clears it."
            )

    def _waits(self) -> bool:
        """Tell whether the prompt still waits for its answer."""
        return self._prompt.app.is_running and not self._prompt.app.is_done

    def _print(self) -> None:
        while self._pending:
            sys.stdout.write(self._pending.pop(0) + "\n")
        sys.stdout.flush()

    def _bar(self) -> str:
        if self._sitting is None:
            return ""
        columns = self._prompt.output.get_size().columns
        return toolbar(self._sitting.status(), columns)

    def _message(self) -> str:
        prompt = self._sitting.status().prompt if self._sitting else ""
        # A terminal that does not tell where its cursor stands has no bar.
        renderer = self._prompt.app.renderer
        if renderer.cpr_support == CPR_Support.NOT_SUPPORTED:
            return f"{self._bar().strip()}\n{prompt}"
        return prompt

    def _bindings(self) -> KeyBindings:
        bindings = KeyBindings()

        @bindings.add("c-c")
        @bindings.add("<sigint>")
        def _(event: KeyPressEvent) -> None:
            del event
            self.show(INTERRUPTED)

        return bindings


def _pause(status: Status) -> float:
    """Return how long to wait: not beyond the last moment of the phase."""
    return min(_REFRESH, max(status.left_phase - _LAST, 0.02))


def _is_command(text: str) -> bool:
    return text.lstrip().startswith("/")

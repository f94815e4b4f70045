"""An optional interviewer behind an OpenAI-compatible endpoint.

It may choose among the follow-ups that the authors wrote, or phrase a reply from the
facts that the candidate has unlocked. Everything it says is checked by code, is shown
apart, and moves no score; whatever goes wrong, the script goes on without it.
"""

from interviews.interviewer.client import InterviewerError, RemoteInterviewer, connect

__all__ = ["InterviewerError", "RemoteInterviewer", "connect"]

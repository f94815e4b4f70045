"""How a session meets the candidate: plain lines on a pipe, a screen on a terminal."""

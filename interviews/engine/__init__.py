"""What carries an interview: the clock, the log, the plan and the session."""

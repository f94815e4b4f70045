"""What carries an interview, against a clock that tests set."""

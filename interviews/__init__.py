"""Mock interviews that measure: rounds against the clock, offline, in the terminal."""

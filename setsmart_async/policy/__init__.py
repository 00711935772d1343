"""Rules without I/O: no await, no clock, no randomness of their own; both are passed in."""

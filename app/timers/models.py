"""Tables of timers."""

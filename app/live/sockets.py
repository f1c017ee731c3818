"""Socket events about being in a room."""

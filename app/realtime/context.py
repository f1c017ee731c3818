"""What is known about the event that is being handled, for code below its handler."""

from contextvars import ContextVar

#: Whether the client asked for an acknowledgement of the event in hand.
wants_ack: ContextVar[bool] = ContextVar("wants_ack", default=False)

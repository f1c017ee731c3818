"""A live room for bots and scripts: timers that agree with every screen, and the conversation beside them.

with Client("http://localhost:3000") as client:
    client.session.guest(share_token, "Timekeeper")
    room = client.join(share_token)

    @room.on("timer-finished")
    def tell(timer):
        room.say(f"{timer['title']} is over")

    client.wait()
"""

from greenroom_client.client import Client
from greenroom_client.clock import Clock
from greenroom_client.errors import GreenroomError
from greenroom_client.room import Room
from greenroom_client.session import Session
from greenroom_client.wire import Attachment, Message, Person, Position, RoomState, Timer, remaining_ms

__all__ = [
    "Attachment", "Client", "Clock", "GreenroomError", "Message", "Person", "Position", "Room", "RoomState", "Session",
    "Timer", "remaining_ms",
]  # fmt: skip

"""The Socket.IO engine: event-driven connections, frames written once, slow readers bounded.

It knows no feature. `SocketIO` attaches it to Flask; `SocketIO.server` is what features use;
`app.realtime.worker.GreenroomWorker` is the gunicorn worker that it runs in.
"""

from app.realtime.drain import draining
from app.realtime.extension import SocketIO
from app.realtime.manager import Manager
from app.realtime.server import Server
from app.realtime.settings import EngineSettings

__all__ = ["EngineSettings", "Manager", "Server", "SocketIO", "draining"]

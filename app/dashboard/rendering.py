"""Pages are put together in turns: one of hundreds of timers takes a quarter of a second, in which others run."""

from __future__ import annotations

from typing import Any, Final

from jinja2 import Template

from app.backends.turns import in_turns

#: Of the pieces that a template comes in; so many take two or three milliseconds.
PIECES_PER_TURN: Final = 400


class PageTemplate(Template):
    """What Flask's `render_template` renders."""

    def render(self, *args: Any, **kwargs: Any) -> str:
        return "".join(in_turns(self.generate(*args, **kwargs), PIECES_PER_TURN))

"""Write env.example from the table of settings: python -m tools.env_example."""

from dataclasses import fields
from pathlib import Path
from typing import Any

from app.settings import Settings

FILE = Path(__file__).parents[1] / "env.example"
HEADING = """\
# Greenroom's settings. Copy this to .env and uncomment what you change; the environment goes above the file.
# With nothing set everything is embedded: SQLite, files and a generated secret, all under DATA_DIR.
"""


def render() -> str:
    """The whole file: each setting with its help, unit and default."""
    return HEADING + "".join(_entry(setting.metadata, setting.default) for setting in fields(Settings))


def _entry(metadata: Any, default: Any) -> str:
    unit = f" [{metadata['unit']}]" if metadata["unit"] else ""
    return f"\n# {metadata['help']}{unit}\n# {metadata['name']}={_text(default)}\n"


def _text(default: Any) -> str:
    if isinstance(default, tuple):
        return ",".join(map(str, default))
    return str(default).lower() if isinstance(default, bool) else str(default)


if __name__ == "__main__":
    FILE.write_text(render())
    print(f"wrote {FILE.name}")

"""What scripts of the pages compute, run by Node without a page."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

SCRIPTS = Path(__file__).parents[2] / "app" / "dashboard" / "static" / "js"

# A server whose clock is 1,234 ms ahead, behind a cache that keeps answers up to two seconds.
CROWD_CLOCK = """
import { CrowdClock } from "%s";
let now = 5_000;
const ahead = 1_234;
const clock = new CrowdClock({ monotonic: () => now, wall: () => now });
const errors = [];
for (let poll = 0; poll < 20; poll += 1) {
  const asked = now;
  now += 40;
  const age = (poll * 617) %% 2_000;
  const made = now - 20 + ahead - age;
  const date = Math.floor((now - 20 + ahead) / 1000) * 1000;
  clock.sample(asked, new Headers({ "X-Server-Now": new Date(made).toISOString(), Date: new Date(date).toUTCString() }));
  errors.push(Math.abs(clock.now() - (now + ahead)));
  now += 1_000 + (poll * 137) %% 500;
}
console.log(JSON.stringify(errors));
"""


def run(script: str) -> object:
    done = subprocess.run(
        ["node", "--input-type=module", "-e", script], capture_output=True, text=True, check=True, timeout=30
    )
    return json.loads(done.stdout)


def test_a_crowds_clock_closes_in_on_the_servers_through_a_cache() -> None:
    errors = run(CROWD_CLOCK % (SCRIPTS / "crowd_clock.js").as_uri())
    assert isinstance(errors, list)
    assert max(errors) < 1_000
    assert errors[-1] < 100

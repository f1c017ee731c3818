"""Settings of the engine, read from the environment."""

import pytest

from app.realtime.settings import EngineSettings, WorkerSettings


def test_every_field_can_be_set_from_the_environment() -> None:
    for table in (EngineSettings, WorkerSettings):
        for variable, field in table.variables().items():
            if isinstance(field.default, int) and not isinstance(field.default, bool):
                assert getattr(table.from_env({variable: "7"}), field.name) == 7


def test_nothing_set_gives_the_defaults() -> None:
    assert EngineSettings.from_env({}) == EngineSettings()


def test_lists_and_switches_are_read() -> None:
    read = EngineSettings.from_env({"SOCKET_NAMESPACES": "/, /admin", "SOCKET_ALLOW_UPGRADES": "false"})
    assert read.namespaces == ("/", "/admin")
    assert read.allow_upgrades is False


def test_what_is_given_is_not_looked_up() -> None:
    assert EngineSettings.from_env({"SOCKET_PATH": "there"}, path="here").path == "here"
    assert EngineSettings.from_env({"SOCKET_WORKER_ID": "w7"}, worker_id="w3").worker_id == "w3"
    assert "SOCKET_WORKER_ID" not in EngineSettings.variables(), "it is WORKER_ID that names a worker"


def test_a_bad_value_is_named() -> None:
    with pytest.raises(ValueError, match="SOCKET_PING_INTERVAL_MS"):
        EngineSettings.from_env({"SOCKET_PING_INTERVAL_MS": "often"})


@pytest.mark.parametrize("worker_id", ["", "w.1", "w/1", "w" * 33])
def test_a_worker_id_that_could_not_stand_in_a_sid_is_refused(worker_id: str) -> None:
    with pytest.raises(ValueError, match="worker_id"):
        EngineSettings(worker_id=worker_id)


def test_every_field_says_what_it_is_for() -> None:
    for table in (EngineSettings, WorkerSettings):
        assert all(field.metadata["help"] for field in table.variables().values())


def test_packets_never_stand_in_the_way_of_events_and_connections_that_are_allowed() -> None:
    usual = EngineSettings()
    assert usual.letting_through(37, 120) == usual
    lifted = EngineSettings(connections_per_ip=20_000).letting_through(1_000.5, 5_000)
    assert (lifted.packets_per_s, lifted.packets_at_once) == (4_002, 20_000)
    assert (lifted.packets_per_s_per_ip, lifted.packets_at_once_per_ip) == (20_000, 100_000)
    assert usual.letting_through(10_000, 10_000).packets_per_s_per_ip == 40_000


def test_limits_of_packets_that_are_off_stay_off() -> None:
    off = EngineSettings(packets_per_s=0, packets_per_s_per_ip=0).letting_through(1e6, 10**6)
    assert (off.packets_per_s, off.packets_per_s_per_ip) == (0, 0)

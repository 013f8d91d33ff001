"""The log's level is what was asked for last."""

from jpi import logs


def test_the_level_is_the_one_asked_for_last():
    assert [logs.logger(level).log_level for level in ("CRITICAL", "INFO")] == [50, 20]

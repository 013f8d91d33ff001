"""The log has the level that was set last."""

import logging

import pytest

from jpi import logs


def test_the_level_is_the_one_asked_for_last():
    assert [logs.make_logger(level).log_level for level in ("CRITICAL", "INFO")] == [50, 20]


@pytest.mark.parametrize("turn", [1, 2])
def test_a_level_that_a_test_asked_for_ends_with_it(turn, caplog):
    logging.getLogger(logs.SERVICE_NAME).warning("turn %s", turn)
    assert f"turn {turn}" in caplog.text
    logs.make_logger("CRITICAL")

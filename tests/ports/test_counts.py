"""Counts in the table of named values, and what is stored of attempts to sign in."""

import pytest

from jpi.errors import AwsOutage, LostRace
from jpi.metrics import QUARTER_HOUR_SECONDS
from jpi.store.metric_counts import MetricCountStore
from jpi.store.ports import ConfigItem
from jpi.store.sign_in_attempts import FREE_ATTEMPTS, SignInAttempts
from tests.ports.backends import NOW
from tests.ports.test_store_ports import DOING, run_together


def test_counts_are_added_up_and_read_together(backend):
    config = backend.stores.config
    config.add_counts("a", {"events/x": 2, "y": 1}, NOW + 0.6, DOING)
    config.add_counts("a", {"y": 3}, NOW + 4.6, DOING)
    config.add_counts("b", {}, NOW, DOING)
    assert config.get_counts(["a", "b", "c"], DOING) == {"a": {"events/x": 2, "y": 4}, "b": {}}
    assert (backend.expiry("config", "a"), backend.expiry("config", "b")) == (NOW + 5, NOW)


def test_counts_of_more_items_than_one_read_takes_are_refused(stores):
    assert stores.config.get_counts([str(number) for number in range(100)], DOING) == {}
    with pytest.raises(AwsOutage, match=f"^{DOING}: Failed to batch get items: .*ValidationException"):
        stores.config.get_counts([str(number) for number in range(101)], DOING)


def test_many_who_count_at_once_lose_nothing(stores):
    run_together(lambda number: [stores.config.add_counts("a", {"x": 1}, NOW, DOING) for _ in range(3)])
    assert stores.config.get_counts(["a"], DOING) == {"a": {"x": 24}}


def test_of_many_who_save_an_item_at_once_one_wins(stores):
    stores.config.save("a", ConfigItem(0), DOING)
    outcomes = run_together(lambda number: stores.config.save("a", ConfigItem(number, 1), DOING))
    assert (outcomes.count(LostRace), stores.config.get("a", DOING).version) == (7, 2)


def test_figures_are_kept_for_eight_days(backend):
    figures = MetricCountStore(backend.stores.config, backend.clock)
    name = ("events", "a")
    figures.add({name: 2})
    backend.clock.now += QUARTER_HOUR_SECONDS
    figures.add({name: 1})
    assert [*figures.read_last_day().values()] in ([{name: 2}, {name: 1}], [{name: 1}, {name: 2}])
    assert backend.expiry("config", f"figures:{NOW:.0f}") == NOW + 8 * 86_400


def test_attempts_are_kept_for_a_day(backend):
    attempts = SignInAttempts(backend.stores.config, backend.clock)
    assert [attempts.claim_attempt("somebody") for _ in range(FREE_ATTEMPTS + 2)] == [0.0] * (FREE_ATTEMPTS + 1) + [2.0]
    assert backend.expiry("config", "sign-in:somebody") == NOW + 86_400
    assert attempts.claim_attempt("somebody else") == 0.0
    assert count_strangers(backend) == FREE_ATTEMPTS + 2
    attempts.record_success("somebody")
    assert count_strangers(backend) == 1, "those of others stay"
    assert attempts.claim_attempt("somebody") == 0.0
    assert attempts.claim_attempt("a browser that is known", is_known=True) == 0.0
    assert count_strangers(backend) == 2


def count_strangers(backend):
    name = f"sign-in:strangers:{NOW // 600 * 600:.0f}"
    return backend.stores.config.get_counts([name], DOING)[name]["failures"]


def test_of_two_attempts_at_once_one_waits(stores):
    attempts = SignInAttempts(stores.config, lambda: NOW)
    waits = run_together(lambda number: attempts.claim_attempt("somebody"))
    assert 0.0 in waits
    assert set(waits) <= {0.0, 1.0, 2.0, 4.0}

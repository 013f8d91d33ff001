"""What the poll looks at once an hour for the status page: whether both tokens and both webhooks still work."""

from functools import partial
from typing import Any

from jpi import wiring
from jpi.tools import checks
from jpi.tools.doctor import checked

EVERY_SECONDS = 3_600.0
NAME = "watched"
# Each by what it is about; those of webhooks may take an administrator's token, and say so.
CHECKS: dict[str, checks.Check] = {
    "Jira token": checks.jira_token, "PagerDuty token": checks.pagerduty_token,
    "Jira webhook": partial(checks.jira_webhook, checks.anywhere),
    "PagerDuty webhook": partial(checks.pagerduty_webhook, checks.anywhere),
}


def look(there: wiring.Jpi) -> None:
    """Look, unless somebody has within the hour."""
    known = there.cache.look(NAME)
    if known and there.clock() - known["at"] < EVERY_SECONDS:
        return
    found = [one for name, check in CHECKS.items() for one in checked(there, name, check)]
    there.cache.put(NAME, {"at": there.clock(), "found": [
        {"check": one.check, "ok": one.ok, "said": one.said, "looked": one.looked} for one in found]})


def found(there: wiring.Jpi) -> dict[str, Any]:
    """What was found last: `at` in epoch seconds (None: nobody looked), and `found`, each check, ok, said, looked."""
    return there.cache.look(NAME) or {"at": None, "found": []}

"""Serve a simulated PagerDuty account over its REST API."""

from sandbox.pagerduty.routes import make_app
from sandbox.pagerduty.state import PagerDutyState
from sandbox.simulated_service import SimulatedService


class PagerDutyServer(SimulatedService):
    """Serves an account's state over the REST API v2."""

    def __init__(self, state: PagerDutyState) -> None:
        super().__init__("pagerduty", make_app(), state, state.clock)

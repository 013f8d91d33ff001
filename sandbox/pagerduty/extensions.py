"""Extensions of the simulated account over REST: only generic V2 webhooks."""

from sandbox.pagerduty.fields import Fields, need_type, reference_id, text_of
from sandbox.pagerduty.hooks import V2_NAMES, Subscription
from sandbox.pagerduty.model import API, Json, reference
from sandbox.pagerduty.rest import invalid
from sandbox.pagerduty.subscriptions import headers_of, url_of

GENERIC_V2 = "PJFWPEP"


class Extensions(Fields):
    """One method an operation."""

    def extensions(self) -> Json:
        """GET /extensions."""
        found = [one for one in self.account.hooks.all.values() if one.version == 2]
        return self._page("extensions", found, view)

    def extend(self) -> tuple[Json, int]:
        """POST /extensions: deliveries are unsigned, but may carry headers of one's own."""
        given = self._object("extension")
        need_type(given, "extension")
        if reference_id(given.get("extension_schema"), "extension_schema") != GENERIC_V2:
            raise invalid("extension_schema not found")
        services = [self.known(self.account.services, one, "extension_objects").ref()
                    for one in given.get("extension_objects") or []]
        if not services or not text_of(given.get("name"), "name"):
            raise invalid("name and extension_objects are required")
        headers = headers_of((given.get("config") or {}).get("headers"))
        made = Subscription(url_of(given.get("endpoint_url")), list(V2_NAMES), {"type": "extension_objects"}, headers,
                            given["name"], version=2, services=services)
        return {"extension": view(self.account.hooks.add(made))}, 201


def view(one: Subscription) -> Json:
    """As the API shows it."""
    schema = {**reference("extension_schema", GENERIC_V2, "Generic V2 Webhook"), "html_url": None}
    return {
        "id": one.id, "type": "extension", "summary": one.description, "self": f"{API}/extensions/{one.id}",
        "html_url": None, "name": one.description, "endpoint_url": one.url, "extension_objects": one.services,
        "extension_schema": schema, "temporarily_disabled": False, "config": {"headers": one.headers},
    }

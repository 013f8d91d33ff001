"""Extensions of the simulated account over REST: only generic V2 webhooks."""

from sandbox.pagerduty.model import API_URL, Json, make_reference
from sandbox.pagerduty.rest import make_input_refusal
from sandbox.pagerduty.subscriptions import parse_headers, parse_url
from sandbox.pagerduty.webhooks import V2_EVENT_NAMES, Subscription
from sandbox.pagerduty.write_api import WriteApi, parse_reference_id, parse_text, require_type

GENERIC_V2_SCHEMA_ID = "PJFWPEP"


class ExtensionApi(WriteApi):
    """One method an operation."""

    def list_extensions(self) -> Json:
        """GET /extensions."""
        found = [one for one in self.account.webhooks.subscriptions.values() if one.version == 2]
        return self._make_page("extensions", found, to_extension_json)

    def create_extension(self) -> tuple[Json, int]:
        """POST /extensions: deliveries are unsigned, but may carry headers of one's own."""
        given = self._read_object("extension")
        require_type(given, "extension")
        if parse_reference_id(given.get("extension_schema"), "extension_schema") != GENERIC_V2_SCHEMA_ID:
            raise make_input_refusal("extension_schema not found")
        services = [self.find_referenced(self.account.services, one, "extension_objects").to_reference()
                    for one in given.get("extension_objects") or []]
        if not services or not parse_text(given.get("name"), "name"):
            raise make_input_refusal("name and extension_objects are required")
        headers = parse_headers((given.get("config") or {}).get("headers"))
        made = Subscription(parse_url(given.get("endpoint_url")), list(V2_EVENT_NAMES), {"type": "extension_objects"},
                            headers, given["name"], version=2, services=services)
        return {"extension": to_extension_json(self.account.webhooks.add(made))}, 201


def to_extension_json(one: Subscription) -> Json:
    """As the API shows it."""
    schema = {**make_reference("extension_schema", GENERIC_V2_SCHEMA_ID, "Generic V2 Webhook"), "html_url": None}
    return {"id": one.id, "type": "extension", "summary": one.description, "self": f"{API_URL}/extensions/{one.id}",
            "html_url": None, "name": one.description, "endpoint_url": one.url, "extension_objects": one.services,
            "extension_schema": schema, "temporarily_disabled": False, "config": {"headers": one.headers}}

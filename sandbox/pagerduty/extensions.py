"""Extensions of the simulated account over REST: only generic V2 webhooks."""

from sandbox.pagerduty.model import API_URL, Json, make_reference
from sandbox.pagerduty.rest import make_input_refusal
from sandbox.pagerduty.subscriptions import parse_headers, parse_url
from sandbox.pagerduty.webhooks import V2_EVENT_NAMES, Subscription
from sandbox.pagerduty.write_api import WriteApi, parse_reference_id, parse_text, require_type

GENERIC_V2_SCHEMA_ID = "PJFWPEP"


class ExtensionApi(WriteApi):
    """The operations on extensions."""

    def list_extensions(self) -> Json:
        """GET /extensions."""
        extensions = [subscription for subscription in self.account.webhooks.subscriptions.values()
                      if subscription.version == 2]
        return self._make_page("extensions", extensions, to_extension_json)

    def create_extension(self) -> tuple[Json, int]:
        """POST /extensions: deliveries are unsigned, but may carry custom headers."""
        given = self._read_object("extension")
        require_type(given, "extension")
        if parse_reference_id(given.get("extension_schema"), "extension_schema") != GENERIC_V2_SCHEMA_ID:
            raise make_input_refusal("extension_schema not found")
        services = [self.find_referenced(self.account.services, reference, "extension_objects").to_reference()
                    for reference in given.get("extension_objects") or []]
        if not services or not parse_text(given.get("name"), "name"):
            raise make_input_refusal("name and extension_objects are required")
        headers = parse_headers((given.get("config") or {}).get("headers"))
        extension = Subscription(parse_url(given.get("endpoint_url")),
                                 list(V2_EVENT_NAMES), {"type": "extension_objects"}, headers, given["name"], version=2,
                                 services=services)
        return {"extension": to_extension_json(self.account.webhooks.add(extension))}, 201


def to_extension_json(extension: Subscription) -> Json:
    """Return the extension as the API shows it."""
    schema = {**make_reference("extension_schema", GENERIC_V2_SCHEMA_ID, "Generic V2 Webhook"), "html_url": None}
    return {"id": extension.id, "type": "extension", "summary": extension.description,
            "self": f"{API_URL}/extensions/{extension.id}", "html_url": None, "name": extension.description,
            "endpoint_url": extension.url, "extension_objects": extension.services, "extension_schema": schema,
            "temporarily_disabled": False, "config": {"headers": extension.headers}}

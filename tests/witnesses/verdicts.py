"""What witnesses say against jpi's calls or the sandbox's answers, each with the verdict and its source."""

from dataclasses import dataclass
from fnmatch import fnmatchcase


@dataclass(frozen=True)
class Verdict:
    """The verdict on a disagreement: patterns of the witness, of the call's row and of the words, with a source."""

    witness: str
    row: str
    words: str
    verdict: str

    def is_about(self, witness: str, row: str, words: str) -> bool:
        """True if this is what the witness said of the call."""
        return self.witness == witness and fnmatchcase(row, self.row) and fnmatchcase(words, self.words)


GET_HAS_NO_CONTENT = "the file demands Content-Type of GET and DELETE, which have no content (RFC 9110, 8.3)"
NULL_IN_EXAMPLES = "null in the file's own examples and in PagerDuty's webhooks (developer.pagerduty.com/docs)"
ENTRIES = ("the file's types and channels of log entries are incomplete: its own example of the answer fails "
           "(developer.pagerduty.com/api-reference, List log entries)")
REFERENCES = "ids are read-only in the file everywhere, also in the references that its own request examples send"
DETAILS = "an object by the file, a text by its own examples of `body`"
TMP_ACCOUNTS = "changes of people carry these in Jira Cloud's own deliveries since 2024"
NULL_CHANGE = "null in the webhook that Atlassian documents (developer.atlassian.com/cloud/jira/platform/webhooks)"
EMPTY_ANSWER = "an answer without a body has no content type (RFC 9110, 8.3); the file names one for an empty schema"
OWN_EXAMPLE = "the file's own example of the answer has `screens`"

VERDICTS = (
    Verdict("OpenAPI validator", "pagerduty *", "header Content-Type is missing", GET_HAS_NO_CONTENT),
    Verdict("Prism", "pagerduty *", "request/header: * required property 'content-type'", GET_HAS_NO_CONTENT),
    *(Verdict("OpenAPI validator", "pagerduty *", f"answer at *{name}: None *", NULL_IN_EXAMPLES)
      for name in ("resolved_at", "resolve_reason", "conference_bridge", "incident/body/details")),
    Verdict("OpenAPI validator", "pagerduty GET /incidents/{id}", "answer at incident/body/details: '*", DETAILS),
    Verdict("OpenAPI validator", "pagerduty POST /incidents", "request at incident/body/details: '*", DETAILS),
    Verdict("Prism", "pagerduty POST /incidents", "request/body/incident/body/details: * must be object", DETAILS),
    Verdict("OpenAPI validator", "pagerduty GET *", "answer at log_entries/*: {*", ENTRIES),
    Verdict("OpenAPI validator", "pagerduty GET /incidents/{id}", "answer at incident/first_trigger_log_entry: {*",
            ENTRIES),
    Verdict("Prism", "pagerduty GET *log_entries", "response/body/log_entries/*", ENTRIES),
    *(Verdict("OpenAPI validator", "pagerduty *", f"request at incident/{name}*: * write read-only *", REFERENCES)
      for name in ("service/", "priority/", "assignments/")),
    *(Verdict("OpenAPI validator", "jira GET *changelog", f"answer at values/*/items/*/{name}: None *", NULL_CHANGE)
      for name in ("from", "fromString", "to", "toString")),
    *(Verdict("Prism", "jira GET *changelog", f"response/body/values/*/items/*/{name}: * must be string", NULL_CHANGE)
      for name in ("from", "fromString", "to", "toString")),
    Verdict("OpenAPI validator", "jira GET *changelog", "answer at *: Additional properties * 'tmp*", TMP_ACCOUNTS),
    Verdict("Prism", "jira GET *changelog", "response/body/*additional properties; found 'tmp*", TMP_ACCOUNTS),
    Verdict("OpenAPI validator", "jira GET *screenscheme", "answer at *screens: * read write-only *", OWN_EXAMPLE),
    Verdict("Prism", "jira GET *screenscheme", "response/body/*additional properties; found 'screens'", OWN_EXAMPLE),
    Verdict("Prism", "jira *", 'response: The received media type "" does not match *', EMPTY_ANSWER),
)
NO_FILE = "no OpenAPI file covers it; built after developer.atlassian.com/server/jira/platform/webhooks"
# Calls that no two witnesses know, each with the reason.
RARE_CALLS = {
    "jira GET /_edge/tenant_info": NO_FILE,
    **{f"jira {call}": NO_FILE for call in (
        "GET /rest/webhooks/1.0/webhook", "POST /rest/webhooks/1.0/webhook", "PUT /rest/webhooks/1.0/webhook/{id}",
        "DELETE /rest/webhooks/1.0/webhook/{id}")},
    "jira GET /rest/servicedeskapi/servicedesk/{id}/requesttype":
        "in the file of Jira Service Management, not read here (developer.atlassian.com/cloud/jira/service-desk)",
}

"""Tells apart why a service may not know jpi's account."""

from jpi import wiring
from jpi.errors import IdentityDoubt
from jpi.jira.users import find_scoped_address

INVALID_TEXT = "the token is not valid: create a new one"
DENIED_TEXT = "the account is deactivated or locked: sign in as {email} in a browser"
EXPIRED_TEXT = "the token has expired, was revoked, or is not {email}'s (JIRA_USER_EMAIL): create a new one"
HAS_SCOPES_TEXT = "the token has scopes, and works at {address} only: set JIRA_API_URL to that address"
SCOPED_TEXT = ("; a token with scopes works only at https://api.atlassian.com/ex/jira/<cloud id>, which JIRA_API_URL "
               "must then name")
FOREIGN_TEXT = ("PagerDuty has no user {email} (PAGERDUTY_USER_EMAIL): it refuses writes; is PAGERDUTY_API_TOKEN "
                "another account's?")
NO_SERVICE_TEXT = ("PagerDuty shows none of the account's services: put the user of PAGERDUTY_API_TOKEN back into the "
                   "teams whose incidents jpi syncs, or use a key of the whole account")


def describe_jira_doubt(app: wiring.App, doubt: IdentityDoubt) -> str:
    """Describe what is wrong with Jira's token, and what to do."""
    settings = app.settings
    if "DENIED" in str(doubt):
        return f"{DENIED_TEXT.format(email=settings.jira_user_email)} ({doubt})"
    address = find_scoped_address(app.jira.api, settings.jira_server_url)
    if address and address != settings.jira_api_url:
        return f"{HAS_SCOPES_TEXT.format(address=address)} ({doubt})"
    if address == "":
        return f"{EXPIRED_TEXT.format(email=settings.jira_user_email)} ({doubt})"
    may_have_scopes = settings.jira_api_url == settings.jira_server_url
    return f"{INVALID_TEXT}{SCOPED_TEXT if may_have_scopes else ''} ({doubt})"

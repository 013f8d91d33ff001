"""Run commands, and print every expected error in one place: one line on stderr, without a traceback."""

from collections.abc import Sequence

import click

from jpi import aws
from jpi.errors import IdentityDoubt, JpiError, Refused, ServiceUnavailable

NO_CREDENTIALS_ERRORS = ("NoCredentialsError", "PartialCredentialsError", "ProfileNotFound", "TokenRetrievalError",
                         "UnauthorizedSSOTokenError", "SSOTokenLoadError")
# AWS's answers to wrong or expired credentials.
BAD_CREDENTIALS_CODES = ("InvalidClientTokenId", "ExpiredToken", "ExpiredTokenException", "SignatureDoesNotMatch",
                         "UnrecognizedClientException")
ACCESS_DENIED_CODES = ("AccessDenied", "AccessDeniedException", "UnauthorizedOperation")
CREDENTIALS = {"Jira": "JIRA_USER_EMAIL with JIRA_API_TOKEN", "PagerDuty": "PAGERDUTY_API_TOKEN"}
INTERRUPTED_EXIT_CODE = 130


def run_command(command: click.Command, arguments: Sequence[str] | None = None, name: str | None = None) -> int:
    """Run a command and return its exit code: 0 for success, 1 for failure, 2 for wrong options."""
    try:
        return int(command.main(arguments, name, standalone_mode=False) or 0)
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except click.Abort:
        return INTERRUPTED_EXIT_CODE
    except (JpiError, OSError, *aws.CALL_ERRORS) as error:
        click.echo(describe_error(error), err=True)
        return 1


def require_at_most_one(**options: object) -> None:
    """Raise a usage error if more than one of these options is given."""
    names = [f"--{name}" for name, value in options.items() if value]
    if len(names) > 1:
        raise click.UsageError(f"{' and '.join(names)} cannot be combined.")


def describe_error(error: Exception) -> str:
    """Describe what failed and what to do, in one line."""
    if isinstance(error, IdentityDoubt):
        return f"{error.service} does not accept {CREDENTIALS[error.service]}: create a new token. ({error})"
    if isinstance(error, Refused) and error.is_forbidden:
        return f"{error.service} does not let this token do that; set-up needs an administrator's token. ({error})"
    if isinstance(error, ServiceUnavailable):
        return f"{error}. Check the service, and its address in JIRA_SERVER_URL or PAGERDUTY_API_URL."
    if isinstance(error, OSError) and error.filename:
        return f"{error.filename}: {error.strerror}"
    return _describe_aws_error(error) if isinstance(error, aws.CALL_ERRORS) else str(error)


def _describe_aws_error(error: Exception) -> str:
    answer = getattr(error, "response", {}).get("Error", {})
    if type(error).__name__ in NO_CREDENTIALS_ERRORS:
        return f"No AWS credentials found: run `aws configure`, or set AWS_PROFILE. ({error})"
    if answer.get("Code") in BAD_CREDENTIALS_CODES:
        return f"AWS rejects these credentials ({answer['Code']}): run `aws configure` or sign in again."
    if answer.get("Code") in ACCESS_DENIED_CODES:
        return f"These credentials may not call {getattr(error, 'operation_name', '')}: {answer.get('Message', '')}"
    return f"AWS: {error}"

"""Attack: whoever runs code in one function wants the secrets of the others, and of the rest of the account."""

import json
import shutil
import subprocess
from dataclasses import fields
from itertools import product

import pytest

from jpi.diagnostics.checks import list_check_groups
from jpi.diagnostics.runner import run_check
from jpi.secret_references import WITHHELD
from jpi.settings import Settings
from tests.security.policies import ACCOUNT, REGION, ROOT, as_list, is_allowed, load_policy

pytestmark = pytest.mark.skipif(not shutil.which("node"), reason="Node is not here: it makes the roles")
BOUNDARY = load_policy("jpi-boundary-policy")
REFERENCES = {"JIRA_API_TOKEN": "ssm:/jpi/prod/jira-api-token", "STATUS_PASSWORD": "ssm:/jpi/prod/status",
              "PAGERDUTY_API_TOKEN": "secretsmanager:jpi/prod/pd-token",
              "JIRA_WEBHOOK_SECRET": "ssm:/jpi/prod/jira-new:2,ssm:/jpi/prod/jira-old",
              "PAGERDUTY_WEBHOOK_SECRET": "secretsmanager:jpi/prod/pd-webhook",
              "PAGERDUTY_V2_TOKEN": "ssm:/jpi/prod/pd-v2", "STATUS_KEY": "ssm:/jpi/prod/status-key"}
UNSET = dict.fromkeys((*REFERENCES, "CFN_ROLE_ARN"), "")
NAMES = {"AWS::Partition": "aws", "AWS::Region": REGION, "AWS::AccountId": ACCOUNT}
TABLES = {"IncidentsTable": "table/incidents-prod", "LogEntriesTable": "table/log-entries-prod",
          "ConfigTable": "table/config-prod"}
QUEUES = {"EventsQueue": "jpi-events-prod.fifo", "DeadLetterQueue": "jpi-events-prod-dead.fifo"}
ARNS = {**{key: f"arn:aws:dynamodb:{REGION}:{ACCOUNT}:{name}" for key, name in TABLES.items()},
        **{key: f"arn:aws:sqs:{REGION}:{ACCOUNT}:{name}" for key, name in QUEUES.items()}}
FUNCTIONS = {"AppRole": "app", "LogEntriesRole": "log_entries", "EventsRole": "events"}
WEBHOOK_FUNCTIONS, TOKEN_FUNCTIONS = {"app"}, {"log_entries", "events"}
READERS = {"JIRA_API_TOKEN": TOKEN_FUNCTIONS, "PAGERDUTY_API_TOKEN": TOKEN_FUNCTIONS,
           "JIRA_WEBHOOK_SECRET": WEBHOOK_FUNCTIONS, "PAGERDUTY_WEBHOOK_SECRET": WEBHOOK_FUNCTIONS,
           "PAGERDUTY_V2_TOKEN": WEBHOOK_FUNCTIONS, "STATUS_PASSWORD": {"app"}, "STATUS_KEY": {"app"}}


def run_node(script, **environ):
    done = subprocess.run(["node", "-p", f"JSON.stringify({script})"], cwd=ROOT, text=True, capture_output=True,
                          check=True, env={"PATH": "/usr/bin:/bin", "STAGE": "prod", **UNSET, **environ},
                          executable=shutil.which("node"))
    return json.loads(done.stdout)


def resolve(value):
    """Return the value with CloudFormation's references resolved."""
    if isinstance(value, list):
        return [resolve(part) for part in value]
    if not isinstance(value, dict):
        return value
    if "Fn::GetAtt" in value:
        return ARNS[value["Fn::GetAtt"][0]]
    text = value.get("Fn::Sub")
    if text is None:
        return {key: resolve(part) for key, part in value.items()}
    for name, replacement in {**NAMES, **{f"{key}.Arn": arn for key, arn in ARNS.items()}}.items():
        text = text.replace(f"${{{name}}}", replacement)
    return text


def make_roles(**environ):
    made = resolve(run_node("require('./sls/resources/roles.js').Resources", **environ))
    return {FUNCTIONS[name]: role["Properties"] for name, role in made.items()}


def make_policies(**environ):
    return {name: role["Policies"][0]["PolicyDocument"] for name, role in make_roles(**environ).items()}


@pytest.fixture(scope="module")
def policies():
    return make_policies(**REFERENCES)


def list_reads(reference):
    """Return the requests that read a secret, in the clear: (action, ARN, context)."""
    service, _, name = reference.partition(":")
    name = name.partition(":")[0]
    kind, action, key = {"ssm": (f"parameter{name}", "GetParameters", "PARAMETER_ARN"),
                         "secretsmanager": (f"secret:{name}-1a2b3c", "GetSecretValue", "SecretARN")}[service]
    arn = f"arn:aws:{service}:{REGION}:{ACCOUNT}:{kind}"
    context = {"kms:ViaService": f"{service}.{REGION}.amazonaws.com", f"kms:EncryptionContext:{key}": arn}
    return [(f"{service}:{action}", arn, {}), ("kms:Decrypt", f"arn:aws:kms:{REGION}:{ACCOUNT}:key/1a2b", context)]


@pytest.mark.parametrize(("setting", "function"), [*product(REFERENCES, FUNCTIONS.values())])
def test_a_function_reads_its_own_secrets_and_no_others(policies, setting, function):
    for reference in REFERENCES[setting].split(","):
        answers = {is_allowed(policies[function], *request, boundary=BOUNDARY) for request in list_reads(reference)}
        assert answers == {function in READERS[setting]}


@pytest.mark.parametrize("function", FUNCTIONS.values())
@pytest.mark.parametrize("reference", ["ssm:/jpi/prod/other", "ssm:/shop/key", "ssm:/jpi/qa/jira-api-token",
                                       "secretsmanager:jpi/prod/pd-token-of-shop", "secretsmanager:shop/key"])
def test_nobody_reads_other_secrets(policies, function, reference):
    assert not any(is_allowed(policies[function], *request) for request in list_reads(reference))


@pytest.mark.parametrize("function", FUNCTIONS.values())
def test_a_key_decrypts_nothing_but_the_functions_secrets(policies, function):
    key = f"arn:aws:kms:{REGION}:{ACCOUNT}:key/1a2b"
    for context in ({}, *({"kms:ViaService": f"{service}.{REGION}.amazonaws.com"} for service in ("ssm", "s3"))):
        assert not is_allowed(policies[function], "kms:Decrypt", key, context)


def test_without_references_there_is_no_right_to_any_secret():
    made = make_policies(JIRA_API_TOKEN="plain", PAGERDUTY_API_TOKEN="plain")
    actions = {action for policy in made.values() for part in policy["Statement"] for action in part["Action"]}
    assert {action.partition(":")[0] for action in actions} == {"logs", "dynamodb", "sqs"}


def test_the_boundary_takes_nothing_from_any_function(policies):
    refused = []
    for part in [part for policy in policies.values() for part in policy["Statement"]]:
        context = {key: as_list(values)[0].replace("??????", "1a2b3c") for keys in part.get("Condition", {}).values()
                   for key, values in keys.items()}
        refused += [(action, resource) for action, resource in product(part["Action"], part["Resource"])
                    if not is_allowed(BOUNDARY, action, resource, context)]
    assert refused == []


def test_the_roles_carry_the_boundary_where_the_deployment_role_demands_it():
    bounded = make_roles(CFN_ROLE_ARN=f"arn:aws:iam::{ACCOUNT}:role/jpi-cfn-role")
    arn = f"arn:aws:iam::{ACCOUNT}:policy/jpi-boundary"
    assert {role.get("PermissionsBoundary") for role in bounded.values()} == {arn}
    assert {role.get("PermissionsBoundary") for role in make_roles().values()} == {None}


@pytest.mark.parametrize("function", FUNCTIONS.values())
def test_a_function_is_not_told_the_secrets_of_others(function):
    values = {setting: f"value of {setting}" for setting in REFERENCES}
    made = run_node(f"require('./sls/env.js').secretsOf('{function}')", **values)
    assert {setting for setting, value in made.items() if value == values[setting]} == {
        setting for setting in READERS if function in READERS[setting]}
    assert made.keys() == values.keys(), "a check of the poll asks whether each is set"


def test_every_secret_setting_belongs_to_a_function():
    secrets = {field.name.upper() for field in fields(Settings) if not field.repr}
    assert secrets == READERS.keys()
    assert run_node("require('./sls/env.js').secretsOf('app')", **dict.fromkeys(secrets, "x")).keys() == secrets


def list_problems(world):
    checks = list_check_groups(lambda: "")
    world.jpi.budget.start(60.0)
    return "".join(result.message for service in ("Jira", "PagerDuty")
                   for result in run_check(world.jpi, "webhook", checks[service]["webhook"]))


def test_the_poll_knows_that_a_secret_is_set_that_it_is_not_given(make_world, monkeypatch):
    names = ("JIRA_WEBHOOK_SECRET", "PAGERDUTY_WEBHOOK_SECRET")
    world = make_world(**dict.fromkeys(names, WITHHELD))
    assert (world.jpi.settings.jira_webhook_secret, world.jpi.settings.pagerduty_webhook_secret) == ((), ())
    assert [f"{name} is not set" in list_problems(world) for name in names] == [True, True]
    for name in names:
        monkeypatch.setenv(name, WITHHELD)
    assert list_problems(world) == ""

"""`sls deploy` onto a simulated AWS: what is there afterwards, and that what was deployed works."""

import json
import os
import subprocess
import sys
from importlib.util import cache_from_source
from pathlib import Path

import pytest
from cfnlint import ManualArgs, lint
from dotenv import dotenv_values

from jpi.handlers.app import WEBHOOK_SERVICES
from jpi.http_client import COUNT_NAMES
from jpi.metrics import NAMESPACE
from sandbox.aws.event_source import to_lambda_record
from sandbox.aws.events_queue import RECEIVES, VISIBILITY_SECONDS
from sandbox.bench.artefact import make_runtime_folder
from tests.deploy.conftest import REGION, env_file

# moto makes no alarms, bucket policies and the like; what it leaves out is looked for in the template.
pytestmark = pytest.mark.filterwarnings("ignore:Tried to parse:UserWarning")
INVOKE = Path(__file__).with_name("invoke.py")
FUNCTIONS = {"jpi-qa-app": "jpi.handlers.app.handler", "jpi-qa-log_entries": "jpi.handlers.log_entries.handler",
             "jpi-qa-events": "jpi.handlers.events.handler"}


TEMPLATE = "cloudformation-template-update-stack.json"
LOGICAL = {"app": "App", "log_entries": "LogUnderscoreentries", "events": "Events"}


@pytest.fixture(scope="session")
def functions(deployed, clients):
    return {one["FunctionName"]: one for one in clients["lambda"].list_functions()["Functions"]
            if one["FunctionName"].startswith("jpi-qa-")}


@pytest.fixture(scope="session")
def compiled(deployed):
    """What CloudFormation was given."""
    return json.loads((deployed.folder / ".serverless" / TEMPLATE).read_text())


@pytest.fixture(scope="session")
def template(compiled):
    """The resources in it, by logical name."""
    return compiled["Resources"]


def of_type(template, kind):
    """The properties of the resources of one type."""
    return [one["Properties"] for one in template.values() if one["Type"] == kind]


@pytest.fixture(scope="session")
def runtime(tmp_path_factory):
    return make_runtime_folder(tmp_path_factory.mktemp("lambda"))


@pytest.fixture
def invoke(artefact, functions, runtime, aws):
    """`invoke(name, event)`: what the deployed function answers, in an interpreter of its own; or how it fails."""
    def call(name, event, ok=True):
        there = functions[name]
        environ = {**there["Environment"]["Variables"], "AWS_LAMBDA_FUNCTION_NAME": name, "AWS_REGION": REGION,
                   "AWS_ENDPOINT_URL": aws.url, "AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test",
                   "PYTHONPATH": f"{artefact[1]}{os.pathsep}{runtime}"}
        command = [os.path.realpath(sys.executable), "-S", str(INVOKE), there["Handler"]]
        done = subprocess.run(command, cwd=artefact[1], env=environ, input=json.dumps(event),
                              text=True, capture_output=True)
        assert (done.returncode == 0) is ok, done.stderr
        if not ok:
            return done.stderr
        said, _, answer = done.stdout.rpartition("ANSWER ")
        print(said, done.stderr)
        return json.loads(answer)

    return call


def test_the_endpoints_are_named(deployed):
    assert "ANY - https://" in deployed.said
    assert "/qa/{proxy+}" in deployed.said


def test_the_functions_are_there_each_with_a_role_of_its_own(functions, clients):
    assert {name: one["Handler"] for name, one in functions.items()} == FUNCTIONS
    for name, one in functions.items():
        assert one["Runtime"] == "python3.13"
        assert one["Role"].endswith(f"jpi-qa-{REGION}-{name.removeprefix('jpi-qa-')}")
        assert one["Environment"]["Variables"]["EVENTS_QUEUE"] == "jpi-events-qa.fifo"
        bounded = clients["iam"].get_role(RoleName=one["Role"].rpartition("/")[2])["Role"]["PermissionsBoundary"]
        assert bounded["PermissionsBoundaryArn"].endswith(":policy/jpi-boundary")
    for name, reserved in (("log_entries", 1), ("app", 40)):
        kept = clients["lambda"].get_function_concurrency(FunctionName=f"jpi-qa-{name}")
        assert kept["ReservedConcurrentExecutions"] == reserved


def test_each_function_is_told_its_own_secrets_only(functions, site):
    secrets = ("JIRA_API_TOKEN", "PAGERDUTY_API_TOKEN", "JIRA_WEBHOOK_SECRET", "PAGERDUTY_WEBHOOK_SECRET")
    told = {name: [one["Environment"]["Variables"][secret] == site.settings[secret] for secret in secrets]
            for name, one in functions.items()}
    tokens, webhooks = [True, True, False, False], [False, False, True, True]
    assert told == {"jpi-qa-app": webhooks, "jpi-qa-log_entries": tokens, "jpi-qa-events": tokens}


def test_the_stage_is_throttled_and_logs_who_asks(deployed, clients):
    [api] = [one["id"] for one in clients["apigateway"].get_rest_apis()["items"] if one["name"] == "qa-jpi"]
    stage = clients["apigateway"].get_stage(restApiId=api, stageName="qa")
    settings = stage["methodSettings"]["*/*"]
    assert (settings["throttlingRateLimit"], settings["throttlingBurstLimit"]) == (100.0, 200)
    assert stage["accessLogSettings"]["destinationArn"].endswith(":log-group:jpi-qa-access")
    assert '"ip":"$context.identity.sourceIp"' in stage["accessLogSettings"]["format"]


def test_they_run_on_arm64_and_the_poll_is_not_repeated(template):
    assert [one["Architectures"] for one in of_type(template, "AWS::Lambda::Function")] == [["arm64"]] * 3
    [polls] = of_type(template, "AWS::Lambda::EventInvokeConfig")
    assert polls["MaximumRetryAttempts"] == 0


def test_no_role_may_do_more_than_it_must(template):
    roles = {name: one for name, one in template.items() if one["Type"] == "AWS::IAM::Role"}
    assert set(roles) == {"AppRole", "LogEntriesRole", "EventsRole"}
    statements = [one for role in roles.values() for policy in role["Properties"]["Policies"]
                  for one in policy["PolicyDocument"]["Statement"]]
    assert all(one["Resource"] and "*" not in one["Resource"] for one in statements)
    assert not [action for one in statements for action in one["Action"] if "*" in action]
    app = roles["AppRole"]["Properties"]["Policies"][0]["PolicyDocument"]["Statement"]
    assert not [one for one in app if "sqs:ReceiveMessage" in one["Action"]]
    assert [one["Resource"] for one in app if "dynamodb:PutItem" in one["Action"]] == [
        [{"Fn::GetAtt": [table, "Arn"]}] for table in ("IncidentsTable", "ConfigTable")]


def test_the_tables_are_as_the_models_have_them(deployed, clients, site, template):
    made = [clients["dynamodb"].describe_table(TableName=f"{name}-qa")["Table"]
            for name in ("incidents", "log-entries", "config")]
    for model, there in zip(site.bind_tables(), made, strict=True):
        wanted = clients["dynamodb"].describe_table(TableName=model.Meta.table_name)["Table"]
        for part in ("KeySchema", "AttributeDefinitions"):
            assert by_name(there[part]) == by_name(wanted[part])
        assert indexes(there) == indexes(wanted)
    properties = of_type(template, "AWS::DynamoDB::Table")
    expiring = {one["TableName"]: there for one in properties if (there := one.get("TimeToLiveSpecification"))}
    expires = {"AttributeName": "expires_at", "Enabled": True}
    assert expiring == {"log-entries-qa": expires, "config-qa": expires}
    for one in properties:
        assert (one["BillingMode"], one["SSESpecification"], one["PointInTimeRecoverySpecification"]) == (
            "PAY_PER_REQUEST", {"SSEEnabled": True}, {"PointInTimeRecoveryEnabled": True})


def by_name(attributes):
    return sorted(attributes, key=lambda one: one["AttributeName"])


def indexes(table):
    return sorted((one["IndexName"], str(one["KeySchema"]), str(one["Projection"]))
                  for one in table.get("GlobalSecondaryIndexes", []))


def test_the_queue_brings_its_messages_to_the_function(deployed, clients, template):
    sqs = clients["sqs"]
    there = {name: sqs.get_queue_attributes(QueueUrl=sqs.get_queue_url(QueueName=name)["QueueUrl"],
                                            AttributeNames=["All"])["Attributes"]
             for name in ("jpi-events-qa.fifo", "jpi-events-qa-dead.fifo")}
    events, dead = there.values()
    redrive = json.loads(events["RedrivePolicy"])
    assert (events["VisibilityTimeout"], int(redrive["maxReceiveCount"])) == (str(VISIBILITY_SECONDS), RECEIVES)
    assert (redrive["deadLetterTargetArn"], dead["MessageRetentionPeriod"]) == (dead["QueueArn"], str(14 * 86400))
    [mapping] = clients["lambda"].list_event_source_mappings(EventSourceArn=events["QueueArn"])["EventSourceMappings"]
    assert mapping["FunctionArn"].endswith(":jpi-qa-events")
    assert mapping["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
    [mapped] = of_type(template, "AWS::Lambda::EventSourceMapping")
    assert mapped["ScalingConfig"] == {"MaximumConcurrency": 10}
    timeout = clients["lambda"].get_function_configuration(FunctionName="jpi-qa-events")["Timeout"]
    assert timeout * 6 == VISIBILITY_SECONDS


def test_the_poll_is_scheduled(deployed, clients):
    rules = [one for one in clients["events"].list_rules()["Rules"] if one["Name"].startswith("jpi-qa-")]
    assert [one["ScheduleExpression"] for one in rules] == ["rate(1 minute)"]


def test_alarms_and_what_they_watch(template):
    alarms = {one["AlarmName"].removeprefix("jpi-qa-"): one for one in of_type(template, "AWS::CloudWatch::Alarm")}
    assert all(one["AlarmActions"] == one["OKActions"] == [{"Ref": "AlarmsTopic"}] for one in alarms.values())
    [topic] = of_type(template, "AWS::SNS::Topic")
    assert topic["Subscription"] == [{"Protocol": "email", "Endpoint": "oncall@example.com"}]
    poll, refused = alarms.pop("poll"), [alarms.pop(f"refused-{name}") for name in ("pagerduty", "jira")]
    assert {name: watched(one) for name, one in alarms.items()} == {
        "dead-letters": ("ApproximateNumberOfMessagesVisible", {"Fn::GetAtt": ["DeadLetterQueue", "QueueName"]}, 60, 0),
        "oldest-message": ("ApproximateAgeOfOldestMessage", {"Fn::GetAtt": ["EventsQueue", "QueueName"]}, 60, 300),
        **{f"errors-{name}": ("Errors", {"Ref": f"{one}LambdaFunction"}, 300, 0) for name, one in LOGICAL.items()},
        **{f"throttles-{name}": ("Throttles", {"Ref": f"{LOGICAL[name]}LambdaFunction"}, 300, 0)
           for name in ("app", "events")},
        "paused-links": ("paused_links", "qa", 300, 0), "tokens": ("token_doubts", "qa", 300, 0),
        "failed-deliveries": ("5XXError", "qa-jpi", 300, 0)}
    assert {(one["ComparisonOperator"], one["TreatMissingData"]) for one in alarms.values()} == {
        ("GreaterThanThreshold", "notBreaching")}
    [api] = of_type(template, "AWS::ApiGateway::RestApi")
    assert api["Name"] == "qa-jpi"
    assert (poll["TreatMissingData"], poll["Threshold"], poll["ComparisonOperator"]) == (
        "breaching", 1, "LessThanThreshold")
    assert [one["MetricStat"]["Period"] for one in poll["Metrics"][1:]] == [900, 900]
    # Rates, by webhook: strays raise no alarm, nor does a scan of other addresses.
    assert {one["Metrics"][0]["Expression"] for one in refused} == {
        "IF(refusals >= 5 AND 2 * refusals > deliveries, refusals, 0)"}
    counted = [part["MetricStat"] for one in refused for part in one["Metrics"][1:]]
    assert {one["Metric"]["MetricName"] for one in counted} == {
        f"{service}_{name}" for service in WEBHOOK_SERVICES.values() for name in ("deliveries", "refusals")}
    assert {(one["Period"], one["Stat"]) for one in counted} == {(3600, "Sum")}


def watched(alarm):
    """What an alarm of one metric is about: the metric, of what, over how many seconds, and above which value."""
    [dimension] = alarm["Dimensions"]
    return alarm["MetricName"], dimension["Value"], alarm["Period"], alarm["Threshold"]


def test_the_dashboard_draws_the_figures_that_log_lines_carry(template):
    body = json.loads(template["Dashboard"]["Properties"]["DashboardBody"])
    metrics = [metric for one in body["widgets"] for metric in one["properties"].get("metrics", ())]
    drawn = {name for namespace, name, *_ in metrics if namespace == NAMESPACE}
    assert drawn == {"events", "lag_ms", *COUNT_NAMES}


def test_logs_are_kept_for_a_month(template):
    assert [one["RetentionInDays"] for one in of_type(template, "AWS::Logs::LogGroup")] == [30] * 4


def test_only_what_runs_is_deployed(artefact):
    size, folder = artefact
    assert size < 6_000_000
    names = {one.name for one in folder.iterdir()}
    assert names.isdisjoint({"boto3", "botocore", "s3transfer", "tests", "sandbox", "node_modules", "moto", "bin"})
    assert not [*folder.rglob(".env*"), *folder.rglob("tests"), *folder.rglob("pip*")]
    assert (folder / "etc/questions.json").exists()
    assert names.isdisjoint({"wsgi_handler.py", ".serverless-wsgi"})


@pytest.mark.skipif(sys.version_info[:2] != (3, 13), reason="only the deployed Python's own can be compiled ahead")
def test_everything_is_compiled_ahead_so_that_lambda_takes_it_unlooked(artefact):
    folder = artefact[1]
    assert [str(one) for one in folder.rglob("*.py") if not Path(cache_from_source(str(one))).exists()] == []
    # PEP 552: of the second four bytes, bit 0 is "by hash", bit 1 "check it".
    assert {file.read_bytes()[4:8] for file in folder.rglob("*.pyc")} == {b"\x01\x00\x00\x00"}
    assert (folder / "pdpyras.pyc").exists()


@pytest.fixture
def messages_stay(deployed, clients):
    """moto would have Docker run the function."""
    [mapping] = clients["lambda"].list_event_source_mappings()["EventSourceMappings"]
    clients["lambda"].update_event_source_mapping(UUID=mapping["UUID"], Enabled=False)


@pytest.mark.usefixtures("messages_stay")
def test_a_p1_goes_in_and_an_issue_comes_out(site, invoke, clients):
    incident = site.pagerduty.trigger_incident(site.service, "Checkout is down", site.rita, "P1", "Nobody can pay.")
    [delivery] = site.pagerduty.outbox.pending
    answer = invoke("jpi-qa-app", gateway("POST", "/pagerduty-webhook", delivery))
    assert (answer["statusCode"], json.loads(answer["body"])["events"][0]["outcome"]) == (202, "queued")
    url = clients["sqs"].get_queue_url(QueueName="jpi-events-qa.fifo")["QueueUrl"]
    messages = clients["sqs"].receive_message(QueueUrl=url, MaxNumberOfMessages=10, AttributeNames=["All"])["Messages"]
    assert invoke("jpi-qa-events", {"Records": [to_lambda_record(one)
                                                for one in messages]}) == {"batchItemFailures": []}
    issue = site.find_issue(incident)
    assert (issue.summary, len(site.list_linked_summaries(issue, "Question"))) == ("Checkout is down", 3)
    assert invoke("jpi-qa-log_entries", SCHEDULED)["entries"] >= 1


def test_a_stranger_is_refused(invoke, site):
    site.pagerduty.trigger_incident(site.service, "Forged", site.rita, "P5")
    delivery = site.pagerduty.outbox.pending[-1]
    delivery.headers = {**delivery.headers, "X-PagerDuty-Signature": "v1=" + "0" * 64}
    assert invoke("jpi-qa-app", gateway("POST", "/pagerduty-webhook", delivery))["statusCode"] == 401
    # However long the deployment took, the last poll is no older than three intervals.
    invoke("jpi-qa-log_entries", SCHEDULED)
    assert invoke("jpi-qa-app", gateway("GET", "/health"))["statusCode"] == 200


@pytest.mark.parametrize("command", ["command", "exec"])
def test_whoever_may_invoke_the_function_runs_no_commands_by_it(invoke, command):
    refused = invoke("jpi-qa-app", {"_serverless-wsgi": {"command": command, "data": "print('run') or id"}}, ok=False)
    assert refused.endswith("This function answers requests of API Gateway only.\n")


# AWS, "Invoke a Lambda function on a schedule".
SCHEDULED = {
    "version": "0", "id": "53dc4d37-cffa-4f76-80c9-8b7d4a4d2eaa", "detail-type": "Scheduled Event",
    "source": "aws.events", "account": "123456789012", "time": "2026-11-26T10:00:00Z", "region": REGION, "detail": {},
    "resources": [f"arn:aws:events:{REGION}:123456789012:rule/jpi-qa-LogUnderscoreentriesEventsRuleSchedule1-1A2B"],
}


def gateway(method, path, delivery=None):
    """API Gateway's event of a Lambda proxy integration: AWS, "Set up Lambda proxy integrations"."""
    headers = {"Host": "x.execute-api.us-east-1.amazonaws.com", **(delivery.headers if delivery else {})}
    return {"resource": "/{proxy+}", "path": path, "httpMethod": method, "headers": headers,
            "multiValueHeaders": {name: [value] for name, value in headers.items()}, "queryStringParameters": None,
            "multiValueQueryStringParameters": None, "pathParameters": {"proxy": path[1:]}, "stageVariables": None,
            "requestContext": {"stage": "qa", "path": f"/qa{path}", "httpMethod": method, "identity": {}},
            "body": delivery.body.decode() if delivery else None, "isBase64Encoded": False}


@pytest.fixture(scope="session")
def packaged_for_prod(deployed, compiled):
    """What `sls deploy --env prod` would send: (CloudFormation's template, the zip)."""
    secrets = {"JIRA_API_TOKEN": "ssm:/jpi/prod/jira", "PAGERDUTY_API_TOKEN": "secretsmanager:jpi/prod/pd",
               "JIRA_WEBHOOK_SECRET": "ssm:/jpi/prod/a,ssm:/jpi/prod/b", "PAGERDUTY_WEBHOOK_SECRET": "ssm:/jpi/prod/v3"}
    settings = {**dotenv_values(deployed.folder / ".env.qa"), **secrets, "STAGE": "prod"}
    env_file(deployed.folder / ".env.prod", **settings)
    folder = deployed.folder / ".prod"
    deployed.sls("package", "--env", "prod", "--package", str(folder))
    return json.loads((folder / TEMPLATE).read_text()), folder / "jpi.zip"


def test_in_production_the_tables_outlive_the_stack(packaged_for_prod, template):
    def kept(resources):
        return {(one["DeletionPolicy"], one["UpdateReplacePolicy"]) for one in resources.values()
                if one["Type"] == "AWS::DynamoDB::Table"}

    made, _ = packaged_for_prod
    assert (kept(made["Resources"]), kept(template)) == ({("RetainExceptOnCreate", "Retain")}, {("Delete", "Delete")})
    for one in of_type(made["Resources"], "AWS::DynamoDB::Table"):
        assert one["PointInTimeRecoverySpecification"] == {"PointInTimeRecoveryEnabled": True}


def test_the_artefact_is_the_same_to_the_byte(packaged_for_prod, artefact):
    _, packaged = packaged_for_prod
    assert packaged.read_bytes() == (artefact[1].parent / "jpi.zip").read_bytes()


def test_a_library_that_is_not_what_the_lock_has_hashed_is_not_deployed(deployed, compiled):
    """Once the template has been read, which a package that fails takes away."""
    lock = deployed.folder / "Pipfile.lock"
    before = lock.read_text()
    changed = json.loads(before)
    changed["default"]["flask"]["hashes"] = ["sha256:" + "0" * 64]
    lock.write_text(json.dumps(changed))
    refused = deployed.sls("package", "--env", "qa", "--package", str(deployed.folder / ".bad"), ok=False)
    lock.write_text(before)
    assert "THESE PACKAGES DO NOT MATCH THE HASHES" in refused


def test_cfn_lint_finds_nothing_in_what_is_ours(packaged_for_prod, compiled):
    """Nor warnings, of which one (W3037) is for actions that IAM does not know."""
    args = ManualArgs(regions=["us-east-1", "eu-west-1", "ap-southeast-2"])
    found = [one for made in (compiled, packaged_for_prod[0]) for one in lint(json.dumps(made), config=args)]
    # osls has each function depend on its role, which its role's ARN says already.
    assert [str(one) for one in found if one.rule.id != "W3005"] == []


def test_a_second_deployment_says_that_nothing_changed_then_it_is_removed(deployed, clients):
    assert "No changes to deploy" in deployed.sls("deploy", "--env", "qa")
    deployed.sls("remove", "--env", "qa")
    left = [one["FunctionName"] for one in clients["lambda"].list_functions()["Functions"]]
    assert [name for name in left if name.startswith("jpi-qa-")] == []
    # As the README has it: the rest is done by CloudFormation, with the rights of CFN_ROLE_ARN. osls goes on where it
    # may not ask the registry of containers, as it does before it removes anything.
    assert deployed.asked - {"ecr"} == {"cloudformation", "s3", "lambda", "sts", "apigateway"}

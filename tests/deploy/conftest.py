"""A copy of the checkout, deployed for real onto moto by the commands that the README gives."""

import os
import re
import shutil
import subprocess
import zipfile
from pathlib import Path

import boto3
import moto.cloudformation.models as cloudformation
import pytest

from sandbox.aws.moto_server import SerializedApplication
from sandbox.clock import RunningClock
from sandbox.hosts import LoopbackHost
from sandbox.world import World

ROOT = Path(__file__).resolve().parents[2]
NOT_COPIED = shutil.ignore_patterns(".git", ".venv*", "node_modules", ".env", ".env.*", ".serverless", "__pycache__",
                                    ".*_cache", ".hypothesis")
REGION = "us-east-1"
SERVICES = ("s3", "lambda", "dynamodb", "sqs", "events", "cloudformation", "iam", "apigateway")
NOT_THE_STACKS = ("STAGE", "IS_OFFLINE", "DATABASE_ENDPOINT_URL", "EVENTS_QUEUE", "CFN_ROLE_ARN")


def pytest_collection_modifyitems(items):
    for item in items:
        if Path(__file__).parent in item.path.parents:
            # What is deployed is deployed once, not by each worker.
            item.add_marker(pytest.mark.xdist_group("deploy"))
    if not all((ROOT / name).exists() for name in ("node_modules/.bin/sls", ".venv/bin/python")):
        for item in items:
            if Path(__file__).parent in item.path.parents:
                item.add_marker(pytest.mark.skip(reason="sls or .venv is not here: `make setup` brings them"))


def env_file(path, **values):
    path.write_text("".join(f"{name}={value}\n" for name, value in values.items()))


class Checkout:
    """A copy of this checkout to run `sls` in, from a bare shell."""

    def __init__(self, folder, aws):
        self.folder = folder
        self.asked = set()
        shutil.copytree(ROOT, folder, ignore=NOT_COPIED)
        (folder / ".env.example").write_text((ROOT / ".env.example").read_text())
        for name in (".venv", "node_modules"):
            (folder / name).symlink_to(ROOT / name)
        node = os.path.dirname(shutil.which("node"))
        self.environ = {**{name: value for name, value in os.environ.items() if name == "HOME"
                           or name.startswith("PIP_")}, "PATH": f"{folder}/node_modules/.bin:{node}:/usr/bin:/bin",
                        "AWS_ENDPOINT_URL": aws.url, "AWS_REGION": REGION, "AWS_ACCESS_KEY_ID": "test",
                        "AWS_SECRET_ACCESS_KEY": "test"}

    def sls(self, *arguments, ok=True, **environ):
        """What it said; it must have succeeded, or failed."""
        done = subprocess.run(["sls", *arguments], cwd=self.folder, env={**self.environ, **environ}, text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL)
        assert (done.returncode == 0) is ok, done.stdout
        return done.stdout

    def start(self, *command, **environ):
        """A command that goes on, in a process group of its own."""
        return subprocess.Popen(command, cwd=self.folder, env={**self.environ, **environ}, text=True, bufsize=1,
                                stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True)


SIGNED = re.compile(r"/([a-z0-9-]+)/aws4_request")


@pytest.fixture(scope="session")
def checkout(aws, tmp_path_factory):
    """The copy; `asked` are the services that `sls` was seen to call itself."""
    there, answer = Checkout(tmp_path_factory.mktemp("deploy") / "jpi", aws), SerializedApplication.__call__

    def noting(self, environ, start_response):
        if environ.get("HTTP_USER_AGENT", "").startswith("aws-sdk-js"):
            there.asked.add(SIGNED.search(environ["HTTP_AUTHORIZATION"])[1])
        return answer(self, environ, start_response)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(SerializedApplication, "__call__", noting)
        # moto refuses what cfn-lint only warns of, and so what osls writes into every template.
        lint = cloudformation.validate_template_cfn_lint
        patch.setattr(cloudformation, "validate_template_cfn_lint",
                      lambda text: [found for found in lint(text) if found.rule.severity == "error"])
        yield there


@pytest.fixture(scope="session")
def clients(aws):
    """boto3's clients of the simulated account, by service."""
    return {name: boto3.client(name, region_name=REGION, endpoint_url=aws.url, aws_access_key_id="test",
                               aws_secret_access_key="test") for name in SERVICES}


@pytest.fixture(scope="session")
def site(aws):
    """Both services, set up, with what is to stand in .env.qa."""
    world = World(LoopbackHost(aws), RunningClock())
    world.settings = {name: value for name, value in world.environ.items() if name not in NOT_THE_STACKS}
    yield world
    world.stop()


@pytest.fixture(scope="session")
def deployed(checkout, site, clients):
    """The checkout once `sls deploy --env qa` has run there."""
    env_file(checkout.folder / ".env.qa", **{**site.settings, "STAGE": "qa", "ALARM_EMAIL": "oncall@example.com"})
    with checkout.start(".venv/bin/python", "-m", "jpi.tools.aws_configuration", "--write-env", ".env.qa") as command:
        assert "CFN_ROLE_ARN=arn:aws:iam::" in command.stdout.read()
    checkout.said = checkout.sls("deploy", "--env", "qa")
    return checkout


@pytest.fixture(scope="session")
def artefact(deployed, clients, tmp_path_factory):
    """The zip as Lambda has it: (its size in bytes, where it is unpacked)."""
    bucket = clients["cloudformation"].describe_stack_resource(
        StackName="jpi-qa", LogicalResourceId="ServerlessDeploymentBucket")["StackResourceDetail"]["PhysicalResourceId"]
    stored = clients["s3"].list_objects_v2(Bucket=bucket)["Contents"]
    [key] = [one["Key"] for one in stored if one["Key"].endswith(".zip")]
    folder = tmp_path_factory.mktemp("artefact")
    clients["s3"].download_file(bucket, key, str(folder / "jpi.zip"))
    with zipfile.ZipFile(folder / "jpi.zip") as found:
        found.extractall(folder / "task")
    return (folder / "jpi.zip").stat().st_size, folder / "task"

"""Reads and writes env files: `.env`, and `.env.<stage>` for each deployed stage. One stage never reads another's."""

import os
from collections.abc import Iterable, Mapping
from pathlib import Path

from dotenv import dotenv_values, set_key

from jpi.errors import SettingsError

ENV_FILE = ".env"
DEFAULT_STAGE = "dev"
# Its owner reads and writes it, and nobody else.
PRIVATE_MODE = 0o600


def read_environment() -> Mapping[str, str]:
    """Return this process's environment, and what it lacks from `.env`, if that is the same stage's."""
    # Lambda has no .env, and the search for one up the tree takes time.
    local = {} if "AWS_LAMBDA_FUNCTION_NAME" in os.environ else read_env_file(ENV_FILE)
    # What another stage's settings leave out must not come from this stage's file.
    stage = os.environ.get("STAGE") or local.get("STAGE")
    return {**(local if local.get("STAGE", stage) == stage else {}), **os.environ}


def read_env_file(name: str) -> dict[str, str]:
    """Return the variables of an env file; none if there is no such file."""
    return {variable: value or "" for variable, value in dotenv_values(name).items()}


def _get_stage(values: Mapping[str, str]) -> str:
    return values.get("STAGE") or DEFAULT_STAGE


def use_stage(stage: str, setting_names: Iterable[str]) -> None:
    """Let this process work with the settings of `.env.<stage>` and no others, and with that stage's deployed queue.

    `.env` stands for that file if it is missing and `.env` is this stage's. SettingsError says what is wrong.
    """
    name = f"{ENV_FILE}.{stage}"
    if not Path(name).is_file():
        name = ENV_FILE
    values = read_env_file(name)
    if not Path(name).is_file() or (name == ENV_FILE and _get_stage(values) != stage):
        raise SettingsError(f"--env {stage}: there is no file {ENV_FILE}.{stage} here; copy .env.example to it and "
                            f"fill it in, or run `jpi --env {stage} init`")
    if _get_stage(values) != stage:
        raise SettingsError(f"--env {stage}: STAGE is '{_get_stage(values)}' in {name}; it must be '{stage}'")
    for setting_name in setting_names:
        os.environ.pop(setting_name, None)
    os.environ.update(values, STAGE=stage)
    if not (values.get("EVENTS_QUEUE") or values.get("IS_OFFLINE")):
        # sls/resources/queue.yml names it.
        os.environ["EVENTS_QUEUE"] = f"jpi-events-{stage}.fifo"


def use_region(region: str) -> None:
    """Let this process work in this region of AWS, unless none is given or the environment names one."""
    if region and not os.environ.get("AWS_DEFAULT_REGION"):
        os.environ.setdefault("AWS_REGION", region)


def refuse_other_stage(file: Path, stage: str) -> None:
    """Raise SettingsError if this env file is another stage's, whose secrets would be overwritten."""
    suffix = file.name.removeprefix(f"{ENV_FILE}.") if file.name.startswith(f"{ENV_FILE}.") else None
    file_stage = read_env_file(str(file)).get("STAGE") or suffix or stage
    if file_stage != stage:
        raise SettingsError(f"{file} belongs to the stage '{file_stage}', but the settings are those of '{stage}': "
                            f"run `jpi --env {file_stage} ...`")


def write_env_variable(file: Path, name: str, value: str) -> None:
    """Set one variable in an env file and keep the rest; only the file's owner can read it from now on."""
    try:
        file.touch(mode=PRIVATE_MODE)
        file.chmod(PRIVATE_MODE)
        set_key(file, name, value, quote_mode="auto", follow_symlinks=True)
    except OSError as error:
        # dotenv names its own temporary file.
        raise OSError(error.errno, error.strerror, str(file)) from error


def get_variable(name: str) -> str:
    """Return one variable as it was set, without its secrets resolved."""
    return read_environment().get(name, "").strip()

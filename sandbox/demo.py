"""`make demo`: play the main job on simulated services and show every step; exit code 0 if all went well."""

import sys
import time
from collections.abc import Iterable

from sandbox.aws.moto_server import Aws
from sandbox.clock import RunningClock
from sandbox.demo_steps import Step, make_steps, play_step
from sandbox.hosts import LoopbackHost
from sandbox.simulated_service import RecordedCall
from sandbox.world import World

ROW_FORMAT = "    {:<19} {:<4} {:<10} | {:<10} {:<8} {:<6} {}"
HEADER = ROW_FORMAT.format("PagerDuty incident", "prio", "status", "Jira issue", "priority", "status", "linked to")


INTERRUPTED_EXIT_CODE = 130


def main() -> int:
    """Play every step; return 130 if Ctrl-C stops it."""
    try:
        return play_all_steps()
    except KeyboardInterrupt:
        print("\nStopped.")
        return INTERRUPTED_EXIT_CODE


def play_all_steps() -> int:
    """Play every step; return 1 and print the step's title if the result is wrong."""
    started = time.monotonic()
    print("Starting simulated PagerDuty and Jira Cloud, DynamoDB, SQS and jpi on 127.0.0.1 ...", flush=True)
    aws = Aws()
    world = World(LoopbackHost(aws), RunningClock(), time.sleep, queued=True, LOG_LEVEL="ERROR")
    world.export_settings()
    try:
        failed = next((step for number, step in enumerate(make_steps(world), 1)
                       if not play_and_show(world, number, step)), None)
    finally:
        world.stop()
        aws.stop()
    if failed:
        print(f"\nFAILED at: {failed.title}")
        return 1
    print(f"\nAll steps went as expected ({time.monotonic() - started:.0f} s).")
    return 0


def play_and_show(world: World, number: int, step: Step) -> bool:
    """Play one step and print it; True if both services show the expected rows."""
    world.forget_calls()
    print(f"\n{number}. {step.title}")
    play_step(world, step)
    print_calls(world.list_jpi_calls())
    print(HEADER)
    for row in world.make_summary_rows():
        print(ROW_FORMAT.format(*row))
    is_right = world.make_summary_rows() == step.expected_rows
    print("    as expected" if is_right else "    WRONG; expected:")
    for row in [] if is_right else step.expected_rows:
        print(ROW_FORMAT.format(*row))
    return is_right


def print_calls(calls: Iterable[RecordedCall]) -> None:
    """Print the calls that jpi made to both services."""
    lines = [
        f"      {call.service:<9} {call.method:<4} {call.path} -> {call.status}, {call.duration_seconds * 1000:.0f} ms"
        for call in calls
    ]
    print("\n".join(["    jpi called", *lines] if lines else ["    jpi made no call"]) + "\n")


if __name__ == "__main__":
    sys.exit(main())

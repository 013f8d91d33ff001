"""The context that Lambda gives a function beside its event."""

from dataclasses import dataclass


@dataclass
class FakeContext:
    """The context of a function that has so many milliseconds left."""

    milliseconds: int
    aws_request_id: str = "1"

    def get_remaining_time_in_millis(self):
        """Return the milliseconds left."""
        return self.milliseconds

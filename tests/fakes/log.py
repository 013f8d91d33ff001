"""The log as plain Python."""

from dataclasses import dataclass, field


@dataclass
class FakeLog:
    """`jpi.sync.ports.Log`; `lines`: (level, message, fields) of what was logged."""

    lines: list = field(default_factory=list)

    def info(self, msg, *, extra):
        """Log something done."""
        self.lines.append(("info", msg, extra))

    def warning(self, msg, *, extra):
        """Log something left out."""
        self.lines.append(("warning", msg, extra))

    def error(self, msg, *, extra, exc_info=None):
        """Log something failed."""
        self.lines.append(("error", msg, extra))

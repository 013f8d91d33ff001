"""The log as plain Python."""

from dataclasses import dataclass, field


@dataclass
class FakeLog:
    """Implements `jpi.sync.ports.Log`; `lines` holds (level, message, fields)."""

    lines: list = field(default_factory=list)

    def info(self, msg, *, extra):
        """Log at level info."""
        self.lines.append(("info", msg, extra))

    def warning(self, msg, *, extra):
        """Log at level warning."""
        self.lines.append(("warning", msg, extra))

    def error(self, msg, *, extra, exc_info=None):
        """Log at level error."""
        self.lines.append(("error", msg, extra))

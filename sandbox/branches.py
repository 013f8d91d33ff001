"""Fork this process so that a play can continue in several ways, while its beginning is played only once."""

import gc
import os
import pickle
import warnings
from collections.abc import Callable, Hashable
from typing import Any, NoReturn, TypeVar

Result = TypeVar("Result")


class Branches:
    """The branches of one play: `run` it, and call `fork_branch` wherever it may continue in another way.

    A branch may have branches of its own: `results` then holds theirs, each by its own name.
    """

    def __init__(self) -> None:
        self.results: dict[Hashable, Any] = {}
        self._answers: int | None = None

    def run(self, function: Callable[[], Result]) -> Result | None:
        """Return the function's result; `results` then holds the result of each branch, by name."""
        result, error = None, None
        try:
            result = function()
        except BaseException as raised:
            if self._answers is None:
                raise
            error = repr(raised)
        if self._answers is not None:
            self._send_result(self._answers, result, error)
        return result

    def fork_branch(self, name: Hashable) -> bool:
        """Fork this process: return True in the copy, which ends with `run`, and False here after it has ended."""
        read_end, write_end = os.pipe()
        child = _fork_process()
        if not child:
            os.close(read_end)
            self._answers, self.results = write_end, {}
            # The copy ends before its garbage needs the memory.
            gc.disable()
            return True
        os.close(write_end)
        with os.fdopen(read_end, "rb") as answers:
            answer = answers.read()
        os.waitpid(child, 0)
        assert answer, f"the copy died in {name}"
        result, results, error = pickle.loads(answer)
        assert error is None, f"{name}: {error}"
        self.results |= {name: result, **results}
        return False

    def _send_result(self, answers: int, result: Any, error: str | None) -> NoReturn:
        # The copy must end here: no handler and no further test may run in it.
        try:
            with os.fdopen(answers, "wb") as file:
                pickle.dump((result, self.results, error), file)
        finally:
            os._exit(0)


def _fork_process() -> int:
    # The copy's collector skips older objects, so that their memory stays shared.
    gc.freeze()
    with warnings.catch_warnings():
        # The test runner's worker has a thread that waits for work; the copy does not need it.
        warnings.simplefilter("ignore", DeprecationWarning)
        return os.fork()

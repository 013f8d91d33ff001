"""Fork this process so that a play can continue in several ways, while its beginning is played only once."""

import gc
import os
import pickle
import warnings


class Branches:
    """The branches of one play: `run` it, and call `fork_branch` wherever it may continue in another way."""

    def __init__(self):
        self.results = {}
        self._answers = None

    def run(self, function):
        """Return the function's result; `results` then holds the result of each branch, by name."""
        try:
            result, error = function(), None
        except BaseException as raised:
            if self._answers is None:
                raise
            result, error = None, repr(raised)
        if self._answers is not None:
            self._send_result(result, error)
        return result

    def fork_branch(self, name):
        """Fork this process: return True in the copy, which ends with `run`, and False here after it has ended."""
        read_end, write_end = os.pipe()
        if not _fork_process():
            os.close(read_end)
            self._answers = write_end
            return True
        os.close(write_end)
        with os.fdopen(read_end, "rb") as answers:
            answer = answers.read()
        os.wait()
        assert answer, f"the copy died in {name}"
        result, error = pickle.loads(answer)
        assert error is None, f"{name}: {error}"
        self.results[name] = result
        return False

    def _send_result(self, result, error):
        # The copy must end here: no handler and no further test may run in it.
        try:
            with os.fdopen(self._answers, "wb") as answers:
                pickle.dump((result, error), answers)
        finally:
            os._exit(0)


def _fork_process():
    # The copy's collector skips older objects, so that their memory stays shared.
    gc.freeze()
    with warnings.catch_warnings():
        # The test runner's worker has a thread that waits for work; the copy does not need it.
        warnings.simplefilter("ignore", DeprecationWarning)
        return os.fork()

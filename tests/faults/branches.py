"""Copies of this process in which a play goes on otherwise: what came before is played once for all of them."""

import gc
import os
import pickle
import warnings


class Branches:
    """The branches of one play: `run` it, and `branch` wherever it may go on in another way."""

    def __init__(self):
        self.results = {}
        self._answers = None

    def run(self, function):
        """Return what the function returns; what it returned in each branch is in `results` then, by name."""
        try:
            result, error = function(), None
        except BaseException as raised:
            if self._answers is None:
                raise
            result, error = None, repr(raised)
        if self._answers is not None:
            self._send_result(result, error)
        return result

    def branch(self, name):
        """Copy this process: True in the copy, which ends with `run`; False here, once that has ended."""
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
        # Nothing of the copy may go on: no handler, no test after this one.
        try:
            with os.fdopen(self._answers, "wb") as answers:
                pickle.dump((result, error), answers)
        finally:
            os._exit(0)


def _fork_process():
    # What was there before is not looked through by the copy's collector, and so stays shared.
    gc.freeze()
    with warnings.catch_warnings():
        # The test runner's worker has a thread that waits for orders; a copy takes none.
        warnings.simplefilter("ignore", DeprecationWarning)
        return os.fork()

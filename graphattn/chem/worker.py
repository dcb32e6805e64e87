"""Call a function on one text after another in another process, each with a time limit.

A call into RDKit can be neither timed out nor interrupted from within its process. So the caller's process waits on
a pipe, which Ctrl-C always interrupts, and the other process computes. A text that takes too long, or that RDKit
crashes on, ends that process only; the rest goes on in a new one.

The worker is a new interpreter that loads no more than its function needs. It is not a fork, which is unsafe beside
threads, and does not run the caller's main module again, as `multiprocessing` would.
"""

from __future__ import annotations

import faulthandler
import os
import pickle
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from typing_extensions import Self

_HAS_TIMER = hasattr(signal, "setitimer")
_START = """
import pickle, sys, types
sys.path[:], packages = pickle.load(sys.stdin.buffer)
for name, path in packages:
    sys.modules[name] = types.ModuleType(name)
    sys.modules[name].__path__ = path
from graphattn.chem.worker import serve
serve()
"""
# The packages stand there empty: their __init__ would load torch, which takes ten times as long as all the rest.
_PACKAGES = [("graphattn", [str(Path(__file__).parents[1])]), ("graphattn.chem", [str(Path(__file__).parent)])]


class NoWorkerError(RuntimeError):
    """A process cannot be started here."""


class StoppedError(RuntimeError):
    """The process ended while working on a text; the message is a short sentence saying why."""


class EndedError(RuntimeError):
    """The caller has ended the worker."""


class Worker:
    """Call a function in another process, which starts at the first call; use it as a context.

    Args:
        function: takes a text; it and what it returns can be pickled, and their modules load without torch.
        seconds: what one text may take: of processor time, or of the clock on Windows.
    """

    def __init__(self, function: Callable[[str], Any], seconds: float) -> None:
        self.function = function
        self.seconds = seconds
        self._process: subprocess.Popen[bytes] | None = None
        self._ended = False

    def __call__(self, texts: Sequence[str]) -> Iterator[Any]:
        """Yield what the function makes of each text: what it returned, the exception it raised, or a `StoppedError`.

        Raises:
            NoWorkerError: no process can be started.
        """
        done = 0
        try:
            while done < len(texts):
                for answer in self._answers(texts[done:]):
                    done += 1
                    yield answer
        except BaseException:  # interrupted, or the caller wants no more: answers are still to come
            self.close()
            raise

    def _answers(self, texts: Sequence[str]) -> Iterator[Any]:
        """Yield answers up to the last one or to the first `StoppedError`."""
        process = self._process or self._start()
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            _send(process.stdin, list(texts))
            for _ in texts:
                yield pickle.load(process.stdout)
        except (EOFError, OSError, pickle.UnpicklingError):
            code = process.wait()
            self.close()
            if self._ended:
                raise EndedError from None
            yield StoppedError(self._reason(code))

    def _start(self) -> subprocess.Popen[bytes]:
        if self._ended:
            raise EndedError
        if not sys.executable or getattr(sys, "frozen", False):
            raise NoWorkerError("this program is not run by a Python interpreter")
        try:
            self._process = subprocess.Popen(
                [sys.executable, "-c", _START],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                start_new_session=True,  # Ctrl-C on a terminal goes to us alone
                creationflags=getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0),
            )
            if self._ended:  # meanwhile
                self.close()
                raise EndedError
            assert self._process.stdin is not None
            assert self._process.stdout is not None
            _send(self._process.stdin, (sys.path, _PACKAGES))
            _send(self._process.stdin, (self.function, self.seconds))
            pickle.load(self._process.stdout)
        except (EOFError, OSError, pickle.UnpicklingError) as error:
            self.close()
            raise NoWorkerError(f"no process could be started ({error})") from None
        return self._process

    def _reason(self, code: int) -> str:
        if code == (-signal.SIGPROF if _HAS_TIMER else 1):
            return f"it takes more than {self.seconds:g} s to compute"
        return f"RDKit crashes on it (exit code {code})"

    def end(self) -> None:
        """End the process for good; a call at work in another thread raises `EndedError`."""
        self._ended = True
        process = self._process
        if process is not None:
            process.kill()
            process.wait()

    def close(self) -> None:
        """End the process, whatever it does."""
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            process.communicate()

    def __enter__(self) -> Self:
        """Return the worker itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End the process."""
        self.close()


def serve() -> None:
    """Answer requests from standard input on standard output, until there are no more: the other process's side."""
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what prints must not mix with the answers
    if hasattr(signal, "pthread_sigmask"):
        signal.pthread_sigmask(signal.SIG_SETMASK, {signal.SIGINT})
    function, seconds = pickle.load(sys.stdin.buffer)
    try:
        _send(answers, "ready")
        while True:
            for text in pickle.load(sys.stdin.buffer):
                with _bounded(seconds):
                    try:
                        answer = function(text)
                    except Exception as error:
                        answer = error
                _send(answers, answer)
    except (EOFError, BrokenPipeError):
        os._exit(0)


@contextmanager
def _bounded(seconds: float) -> Iterator[None]:
    """End this process if the block takes longer, even within a C function."""
    if _HAS_TIMER:
        signal.signal(signal.SIGPROF, signal.SIG_DFL)
        signal.setitimer(signal.ITIMER_PROF, seconds)
        yield
        signal.setitimer(signal.ITIMER_PROF, 0)
    else:
        with Path(os.devnull).open("w") as nowhere:
            faulthandler.dump_traceback_later(seconds, exit=True, file=nowhere)
            yield
            faulthandler.cancel_dump_traceback_later()


def _send(stream: Any, content: Any) -> None:
    pickle.dump(content, stream, protocol=pickle.HIGHEST_PROTOCOL)
    stream.flush()

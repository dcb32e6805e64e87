import signal
import threading

import pytest

from graphattn.cli.interruption import INTERRUPTED, TERMINATED, stoppable


def test_sigterm_interrupts_and_is_remembered():
    with pytest.raises(KeyboardInterrupt), stoppable() as stopped:
        assert stopped.code == INTERRUPTED == 130
        signal.raise_signal(signal.SIGTERM)
    assert stopped.code == TERMINATED == 143
    assert signal.getsignal(signal.SIGTERM) == signal.SIG_DFL


def test_an_ignored_sigterm_stays_ignored():
    before = signal.signal(signal.SIGTERM, signal.SIG_IGN)
    try:
        with stoppable() as stopped:
            signal.raise_signal(signal.SIGTERM)
        assert stopped.code == INTERRUPTED
        assert signal.getsignal(signal.SIGTERM) == signal.SIG_IGN
    finally:
        signal.signal(signal.SIGTERM, before)


def test_another_thread_leaves_signals_alone():
    inside = []

    def run():
        with stoppable():
            inside.append(signal.getsignal(signal.SIGTERM))

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    assert inside == [signal.getsignal(signal.SIGTERM)]

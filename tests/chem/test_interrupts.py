import signal
import threading

import pytest

from graphattn.chem.interrupts import interrupts_held

pytestmark = pytest.mark.skipif(not hasattr(signal, "pthread_sigmask"), reason="signals cannot be held on Windows")


def mask():
    return signal.pthread_sigmask(signal.SIG_BLOCK, set())


def test_ctrl_c_waits_for_the_end_of_the_outermost_block():
    reached = []
    before = mask()

    def work():
        with interrupts_held():
            with interrupts_held():
                signal.pthread_kill(threading.get_ident(), signal.SIGINT)
            reached.append("the end")

    with pytest.raises(KeyboardInterrupt):
        work()
    assert reached == ["the end"]
    assert mask() == before

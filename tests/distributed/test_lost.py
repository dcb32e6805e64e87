"""A process that dies is noticed by the others."""

import distributed_work as work
from team import PATIENCE, Team


def test_the_others_stop_with_a_sentence(tmp_path):
    team = Team(2, tmp_path)
    try:
        team.run(work.bytes_of_halo, 2)
        team.pipes[0].send((work.again_and_again, 2, ()))
        team.pipes[1].send((work.again_and_again, 2, (3,)))  # which ends its process after three calls
        assert team.pipes[0].poll(PATIENCE)
        answer = team.pipes[0].recv()
        assert answer[0] == "failed" and "rank 0 has lost another process" in answer[1]
    finally:
        for process in team.processes:
            process.kill()

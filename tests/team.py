"""Processes that stay and run functions together, over gloo on loopback addresses."""

import traceback
from datetime import timedelta
from multiprocessing import get_context

import torch
import torch.distributed as dist

PATIENCE = 240  # seconds after which a process that does not answer counts as hanging


def _work(rank, size, store_path, pipe):
    torch.set_num_threads(1)
    store = dist.FileStore(store_path, size)
    dist.init_process_group("gloo", store=store, rank=rank, world_size=size, timeout=timedelta(seconds=60))
    groups = {count: dist.new_group(list(range(count))) for count in range(1, size + 1)}
    while True:
        task = pipe.recv()
        if task is None:
            break
        function, count, args = task
        torch.manual_seed(0)
        try:
            pipe.send(("done", function(groups[count], *args)))
        except Exception as error:  # to be raised where the team was asked
            pipe.send(("failed", f"{type(error).__name__}: {error}", traceback.format_exc()))
    dist.destroy_process_group()


class Team:
    """So many processes; `run` lets the first `count` of them run a function with their process group."""

    def __init__(self, size, folder):
        context = get_context("spawn")
        self.pipes, self.processes = [], []
        for rank in range(size):
            ours, theirs = context.Pipe()
            process = context.Process(target=_work, args=(rank, size, str(folder / "store"), theirs), daemon=True)
            process.start()
            theirs.close()
            self.pipes.append(ours)
            self.processes.append(process)

    def answers(self, function, count, *args):
        """("done", result) or ("failed", message, traceback) of each."""
        for pipe in self.pipes[:count]:
            pipe.send((function, count, args))
        for rank, pipe in enumerate(self.pipes[:count]):
            assert pipe.poll(PATIENCE), f"rank {rank} does not answer"
        return [pipe.recv() for pipe in self.pipes[:count]]

    def run(self, function, count, *args):
        """The results of all, in order of rank."""
        answers = self.answers(function, count, *args)
        for rank, answer in enumerate(answers):
            assert answer[0] == "done", f"rank {rank}:\n{answer[-1]}"
        return [answer[1] for answer in answers]

    def close(self):
        for pipe in self.pipes:
            pipe.send(None)
        for process in self.processes:
            process.join(20)
            process.kill()

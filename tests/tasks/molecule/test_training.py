"""Training: it is the same every time, can stop anywhere, and goes on as if nothing had happened."""

import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import lightning as L
import numpy as np
import pytest
import torch
from torch import nn

from graphattn.chem import from_smiles
from graphattn.tasks.common.errors import SettingsError
from graphattn.tasks.molecule import TrainingConfig
from graphattn.tasks.molecule.data import to_data
from graphattn.tasks.molecule.scaling import TargetScaler
from graphattn.tasks.molecule.training import train_network

MOLECULES = [to_data(from_smiles("C" * n), targets=np.array([(n - 6) / 3.0])) for n in range(1, 12)]
CONFIG = TrainingConfig(epochs=5, batch_size=3, lr=0.02, device="cpu")


class SumNet(nn.Module):
    """A linear map of the summed atoms, with dropout so that the generator's state matters."""

    def __init__(self) -> None:
        super().__init__()
        self.linear = nn.Linear(MOLECULES[0].x.size(1), 1)
        self.dropout = nn.Dropout(0.3)

    def forward(self, batch):
        total = torch.zeros(batch.num_graphs, batch.x.size(1)).index_add_(0, batch.batch, batch.x)
        return self.linear(self.dropout(total))


class StopAfter(L.Callback):
    """Interrupt when an epoch ends, as a user or a fault would."""

    def __init__(self, epoch: int, error: type[BaseException]) -> None:
        self.epoch = epoch
        self.error = error

    def on_train_epoch_start(self, trainer, pl_module):
        if trainer.current_epoch == self.epoch:
            raise self.error


def run(directory=None, config=CONFIG, seed=3, **settings):
    torch.manual_seed(seed)
    return train_network(
        SumNet(),
        MOLECULES[:8],
        MOLECULES[8:],
        task="regression",
        scaler=TargetScaler(np.array([6.0]), np.array([3.0])),
        config=config,
        seed=seed,
        directory=directory,
        **settings,
    )


def same(a, b):
    return a.history == b.history and all(torch.equal(a.weights[name], b.weights[name]) for name in a.weights)


def test_the_same_seed_gives_the_same_network():
    assert same(run(), run())
    assert not same(run(), run(seed=4))


def test_the_best_epoch_is_kept_and_the_curve_is_whole():
    network = run()
    assert [record["epoch"] for record in network.history] == [1, 2, 3, 4, 5]
    assert {"train_loss", "valid_loss", "valid_rmse", "valid_mae", "valid_r2", "lr"} < set(network.history[0])
    assert network.best["valid_loss"] == min(record["valid_loss"] for record in network.history)
    # scaled by 3, the validation error in the target's unit
    assert network.best["valid_rmse"] == pytest.approx(3 * network.best["valid_loss"] ** 0.5, rel=1e-5)


def test_early_stopping():
    config = TrainingConfig(epochs=50, patience=2, batch_size=3, lr=1e-12, weight_decay=0.0, device="cpu")
    network = run(config=config)
    assert len(network.history) < 50


@pytest.mark.parametrize("error", [KeyboardInterrupt, RuntimeError])
def test_an_interrupted_training_goes_on_as_if_nothing_had_happened(tmp_path, error):
    handler = signal.getsignal(signal.SIGINT)
    with pytest.raises(error):
        run(tmp_path, callbacks=[StopAfter(3, error)])
    assert signal.getsignal(signal.SIGINT) is handler
    assert (tmp_path / "checkpoints" / "network.ckpt").exists()
    assert same(run(tmp_path, resume=True), run())


def test_the_logs(tmp_path):
    run(tmp_path)
    text = (tmp_path / "logs" / "network" / "version_0" / "metrics.csv").read_text()
    assert "valid_rmse" in text.splitlines()[0]


def test_a_loss_that_is_not_finite_is_an_error():
    with pytest.raises(SettingsError, match="the training loss is not finite; lower the learning rate"):
        run(config=TrainingConfig(epochs=3, batch_size=3, lr=1e30, clip_norm=1e38, warmup=0.0, device="cpu"))


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.timeout(1200)  # a minute of processor time, which a busy machine is slow to give
def test_a_kill_at_any_moment_leaves_a_whole_checkpoint_or_none(tmp_path):
    # The children are forked before any computation, so that the imports are paid once.
    script = f"""
        import os, signal, sys, time
        from pathlib import Path
        sys.path.insert(0, {str(Path(__file__).parent)!r})
        import torch
        torch.set_num_threads(1)
        from test_training import CONFIG, MOLECULES, run
        from dataclasses import replace
        from graphattn.tasks.common.checkpoint import AtomicCheckpointIO

        out = Path({str(tmp_path)!r})
        checkpoint = out / "checkpoints" / "network.ckpt"
        config = replace(CONFIG, epochs=10**6, patience=10**6)
        epochs = []
        for milliseconds in (0, 7, 23, 61, 110):
            before = checkpoint.stat().st_mtime_ns if checkpoint.exists() else None
            child = os.fork()
            if child == 0:
                run(out, config, resume=True)
                os._exit(0)
            while not checkpoint.exists() or checkpoint.stat().st_mtime_ns == before:
                time.sleep(0.001)  # however slow the machine: killed some time after it got further
            time.sleep(milliseconds / 1000)
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
            epochs.append(AtomicCheckpointIO().load_checkpoint(checkpoint)["epoch"])
        assert epochs == sorted(epochs) and epochs[-1] > epochs[0], epochs
    """
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(script)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr

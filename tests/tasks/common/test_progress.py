import io
from types import SimpleNamespace

from rich.console import Console

from graphattn.tasks.common.progress import TrainingProgress, counting

TRAINER = SimpleNamespace(
    max_epochs=4, num_training_batches=3, global_step=5, current_epoch=1, callback_metrics={"valid_rmse": 0.25}
)


def console(terminal: bool) -> Console:
    return Console(file=io.StringIO(), force_terminal=terminal, width=80, color_system=None, legacy_windows=False)


def run(progress):
    with progress:
        callback = progress.callback(1)
        callback.on_train_start(TRAINER, None)
        callback.on_train_batch_end(TRAINER, None, None, None, 0)
        callback.on_train_epoch_end(TRAINER, None)
        if progress.bars is not None:
            progress.bars.refresh()
        callback.on_fit_end(TRAINER, None)
        progress.finished(1, 4, 2, 0.25)


def test_a_terminal_gets_a_bar_that_fits_it():
    place = console(terminal=True)
    run(TrainingProgress(place, 2, "rmse", "RMSE"))
    text = place.file.getvalue()
    assert "network 1/2" in text
    assert "epoch   2/4  RMSE 0.250" in text


def test_a_file_gets_one_line_a_network():
    place = console(terminal=False)
    run(TrainingProgress(place, 2, "rmse", "RMSE"))
    assert place.file.getvalue() == "network 1/2: 4 epochs, best validation RMSE 0.250 in epoch 2\n"


def test_no_console_is_silence(capsys):
    run(TrainingProgress(None, 1, "rmse", "RMSE"))
    assert capsys.readouterr() == ("", "")


def test_counting_leaves_nothing_in_a_file():
    place = console(terminal=False)
    with counting(place, "reading", 3) as progress:
        progress(2)
    assert place.file.getvalue() == ""

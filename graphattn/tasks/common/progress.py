"""The progress of a training: one bar a network on a terminal, one line a network elsewhere."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Any

import lightning as L
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.text import Text

from graphattn.tasks.common.formatting import fixed


@contextmanager
def counting(console: Console | None, title: str, total: int) -> Iterator[Callable[[float], None]]:
    """Show a bar with rate and time left while something is counted up to `total`, and remove it at the end."""
    if console is None or not console.is_terminal:
        yield lambda _: None
        return
    columns = (
        TextColumn("{task.description}"),
        BarColumn(bar_width=None),
        MofNCompleteColumn(),
        _RateColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console, transient=True, expand=True) as bars:
        bar = bars.add_task(title, total=total)
        yield lambda done: bars.update(bar, completed=done)


class _RateColumn(ProgressColumn):
    def render(self, task: Any) -> Text:
        speed = task.finished_speed or task.speed
        return Text("" if speed is None else f"{speed:,.0f}/s")


class TrainingProgress:
    """Show how a training goes; use it as a context.

    Args:
        console: where to; None shows nothing.
        members: networks to train.
        metric: the validation metric shown, as it is logged: "rmse" for `valid_rmse`.
        label: what that metric is called.
    """

    def __init__(self, console: Console | None, members: int, metric: str, label: str) -> None:
        self.console = console
        self.members = members
        self.metric = metric
        self.label = label
        self.bars = None
        if console is not None and console.is_terminal:
            self.bars = Progress(
                TextColumn("{task.description}"),
                BarColumn(bar_width=None),
                _EpochColumn(),
                TimeElapsedColumn(),
                TextColumn("left"),
                TimeRemainingColumn(),
                console=console,
                transient=True,  # a finished network leaves a line of text instead
                expand=True,
            )

    def __enter__(self) -> TrainingProgress:
        """Show the bars."""
        if self.bars is not None:
            self.bars.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Remove the bars."""
        if self.bars is not None:
            self.bars.stop()

    def callback(self, member: int) -> L.Callback:
        """Return the Lightning callback that moves the bar of network `member`, counted from 1."""
        return _Reporter(self, member)

    def finished(self, member: int, epochs: int, best_epoch: int, best: float, *, restored: bool = False) -> None:
        """Print the result of network `member`."""
        if self.console is None:
            return
        how = "kept from before" if restored else f"{epochs} epoch{'s' if epochs != 1 else ''}"
        self.console.print(
            f"network {member}/{self.members}: {how}, best validation {self.label} {fixed(best)} in epoch {best_epoch}",
            highlight=False,
        )


class _EpochColumn(ProgressColumn):
    def render(self, task: Any) -> Text:
        return Text(str(task.fields["state"]))


class _Reporter(L.Callback):
    """Move the bar of one network."""

    def __init__(self, progress: TrainingProgress, member: int) -> None:
        self.progress = progress
        self.title = f"network {member}/{progress.members}"
        self.bar: Any = None
        self.best: float | None = None

    def on_train_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        bars = self.progress.bars
        if bars is not None:
            total = (trainer.max_epochs or 1) * int(trainer.num_training_batches)
            state = f"epoch   0/{trainer.max_epochs}"
            self.bar = bars.add_task(self.title, total=total, completed=trainer.global_step, state=state)

    def on_train_batch_end(self, trainer: L.Trainer, *_: Any) -> None:
        if self.progress.bars is not None:
            self.progress.bars.update(self.bar, completed=trainer.global_step)

    def on_train_epoch_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        if self.progress.bars is None:
            return
        name = f"valid_{self.progress.metric}"
        value = float(trainer.callback_metrics.get(name, float("nan")))
        state = f"epoch {trainer.current_epoch + 1:3d}/{trainer.max_epochs}  {self.progress.label} {fixed(value)}"
        self.progress.bars.update(self.bar, state=state)

    def on_fit_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        if self.progress.bars is not None:
            self.progress.bars.remove_task(self.bar)  # its line with the result takes its place

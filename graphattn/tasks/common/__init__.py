"""What every task needs: tables, rejected rows, model directories, checkpoints, progress, parts of a report."""

from dataclasses import replace

import numpy as np

from graphattn.tasks.molecule.fitting import prepare
from graphattn.tasks.molecule.folding import left_out, unseen


def test_unseen_is_the_mean_of_those_that_did_not_learn():
    each = np.arange(12.0).reshape(3, 4, 1)
    found = unseen(each, [np.array([0, 1]), np.array([2]), np.array([0, 1])])
    np.testing.assert_array_equal(found[:, 0], [4.0, 5.0, 6.0, np.nan])


def test_copies_share_a_fold(frame, model_config, training_config):
    table = frame.loc[frame.index.repeat(2)].reset_index(drop=True)
    prepared = prepare(
        table,
        model_config,
        smiles_column=None,
        target_columns=["logS"],
        id_column=None,
        split="scaffold",
        split_column=None,
        task=None,
        encoding=None,
        seed=0,
        console=None,
        rivals=False,
    )
    learned = np.sort(np.concatenate([prepared.split.train, prepared.split.valid]))
    folds = left_out(prepared.rows, prepared.split, "scaffold", "regression", replace(training_config, ensemble=3))
    assert len(folds) == 3
    assert sorted(np.concatenate(folds)) == learned.tolist()
    fold_of = {int(row): number for number, fold in enumerate(folds) for row in fold}
    for key in ("canonical_smiles", "scaffold"):
        seen = {}
        for row in learned:
            name = getattr(prepared.rows.identities[row], key)
            assert not name or seen.setdefault(name, fold_of[int(row)]) == fold_of[int(row)]

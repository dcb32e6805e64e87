import numpy as np

from graphattn.chem import from_smiles
from graphattn.tasks.molecule.data import to_data
from graphattn.tasks.molecule.datamodule import MoleculeDataModule, SeededSampler


def test_the_order_depends_on_seed_and_epoch_alone():
    def order(seed, epoch):
        sampler = SeededSampler(13, seed)
        sampler.set_epoch(epoch)
        return list(sampler)

    assert order(1, 4) == order(1, 4)
    assert sorted(order(1, 4)) == list(range(13))
    assert order(1, 4) != order(1, 5)
    assert order(1, 4) != order(2, 4)


def test_batches():
    molecules = [to_data(from_smiles("C" * n), targets=np.array([float(n)])) for n in range(1, 8)]
    data = MoleculeDataModule(molecules[:5], molecules[5:], batch_size=3, seed=0)
    train = list(data.train_dataloader())
    assert [batch.num_graphs for batch in train] == [3, 2]
    assert sorted(value for batch in train for value in batch.y.flatten().tolist()) == [1, 2, 3, 4, 5]
    assert next(iter(data.val_dataloader())).y.flatten().tolist() == [6, 7]

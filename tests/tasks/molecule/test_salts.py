from graphattn.chem import AtomFeaturizer, BondFeaturizer
from graphattn.chem.features import ArrayFeaturizer
from graphattn.tasks.common.table import parse_table
from graphattn.tasks.molecule.featurize_many import featurize_many
from graphattn.tasks.molecule.rows import select_rows
from graphattn.tasks.molecule.salts import describe_salts

TEXT = b"smiles,y\nCC(=O)[O-].[Na+],1\nCCO,2.5\nC[NH3+],3\nO.CO,4\n"


def said(how, text=TEXT):
    featurizer = ArrayFeaturizer(AtomFeaturizer.chemprop(), BondFeaturizer.chemprop(), identify=True, salts=how)
    rows = select_rows(
        parse_table(text, "t.csv"), "smiles", ["y"], read=lambda smiles: featurize_many(featurizer, smiles)
    )
    return describe_salts(rows, how), [molecule.canonical_smiles for molecule in rows.identities]


def test_what_is_said_and_seen():
    start = "2 molecules of several parts (salts, mixtures): "
    kept, _ = said("keep")
    assert kept == [
        start + "each is seen whole; --salts largest keeps the largest part, --salts neutralize that part without "
        "charges."
    ]
    largest, seen = said("largest")
    assert largest == [start + "its largest part is seen; 2 molecules changed by that."]
    assert seen == ["CC(=O)[O-]", "CCO", "C[NH3+]", "CO"]
    neutral, seen = said("neutralize")
    assert neutral == [start + "its largest part is seen, without charges; 3 molecules changed by that."]
    assert seen == ["CC(=O)O", "CCO", "CN", "CO"]


def test_nothing_is_said_where_there_is_no_salt():
    assert said("keep", b"smiles,y\nC,1\nCC,2\n")[0] == []

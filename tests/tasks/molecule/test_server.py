"""The server: what it answers, what it refuses in a sentence, and that nothing of a request is kept or run."""

import base64
from concurrent.futures import ThreadPoolExecutor

import pytest

from graphattn.tasks.molecule import MoleculePredictor
from graphattn.tasks.molecule.config import ModelConfig, TrainingConfig

testclient = pytest.importorskip("fastapi.testclient")
pytest.importorskip("httpx")
from graphattn.tasks.molecule import server  # noqa: E402


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    import pandas as pd

    smiles = ["C" * length + end for length in range(1, 9) for end in ("", "O", "N", "Cl")]
    frame = pd.DataFrame({"smiles": smiles, "logS": [-0.3 * len(text) for text in smiles]})
    predictor = MoleculePredictor(
        ModelConfig(embed_dim=8, num_heads=2, depth=1, head_dim=8, descriptors=False),
        TrainingConfig(epochs=2, ensemble=2, members=("network",)),
    )
    place = tmp_path_factory.mktemp("served") / "run"
    predictor.fit(frame, target_columns=["logS"], split="random", directory=place)
    predictor.save(place)
    return place


@pytest.fixture(scope="module")
def client(run):
    with testclient.TestClient(server.make_app(run)) as client:
        yield client


def ask(client, *smiles, **options):
    return client.post("/api/predict", json={"smiles": list(smiles), **options})


def test_the_answer_is_the_prediction(client, run):
    answer = ask(client, "CCO", "not a molecule", explain=True)
    assert answer.status_code == 200
    first, second = answer.json()["molecules"]
    expected = MoleculePredictor.load(run).predict(["CCO"])
    assert first["values"]["logS_predicted"] == pytest.approx(expected["logS_predicted"][0], abs=1e-5)
    assert first["reason"] is None and second["reason"] and second["picture"] is None
    assert second["values"]["logS_predicted"] is None
    assert b"<svg" in base64.b64decode(first["picture"].partition(",")[2])


def test_the_page_and_what_it_needs(client):
    page, script, model = client.get("/"), client.get("/app.js"), client.get("/api/model").json()
    assert "<textarea" in page.text and "/* style */" not in page.text
    assert "http://" not in page.text and "https://" not in page.text + script.text
    assert model["targets"] == ["logS"] and model["networks"] == 2
    for answer in (page, script):
        assert "default-src 'none'" in answer.headers["content-security-policy"]
        assert answer.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize(
    ("content", "status", "message"),
    [
        ({"smiles": ["C"] * 101}, 422, "smiles"),
        ({"smiles": []}, 422, "smiles"),
        ({"smiles": "CCO"}, 422, "smiles"),
        ({"smiles": [7]}, 422, "smiles"),
        ({"smiles": ["C"], "run": "rm"}, 422, "run"),
        ({"smiles": ["C"] * 21, "explain": True}, 422, "at most 20 molecules can be explained"),
        ({}, 422, "expected"),
    ],
)
def test_what_is_refused(client, content, status, message):
    answer = client.post("/api/predict", json=content)
    assert answer.status_code == status and message in answer.json()["error"]


def test_large_requests_are_refused_before_they_are_read(client):
    answer = client.post("/api/predict", content=b"x" * (server.MOST_BYTES + 1))
    assert answer.status_code == 413 and "bytes" in answer.json()["error"]
    assert client.post("/api/predict", content=b"{nonsense").status_code == 422


def test_a_long_smiles_has_a_reason(client):
    (answer,) = ask(client, "C" * 3000).json()["molecules"]
    assert "2000 characters" in answer["reason"]


def test_hostile_text_stays_text(client):
    (answer,) = ask(client, "<img src=x onerror=alert(1)>").json()["molecules"]
    assert answer["reason"] and answer["smiles"].startswith("<img")
    assert "innerHTML" not in client.get("/app.js").text


def test_other_hosts_are_refused_on_a_loopback_address(client):
    assert client.get("/", headers={"host": "evil.example"}).status_code == 400


def test_many_requests_at_once_are_all_answered(client):
    with ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(lambda _: ask(client, "CCO"), range(64)))
    assert all(answer.status_code == 200 for answer in answers)
    assert len({answer.text for answer in answers}) == 1


def test_more_than_may_wait_are_told_to_come_back(run):
    with testclient.TestClient(server.make_app(run, waiting=0)) as client, ThreadPoolExecutor(24) as pool:
        answers = list(pool.map(lambda _: ask(client, *["C" * 40] * 20, explain=True), range(24)))
    assert {answer.status_code for answer in answers} <= {200, 503} and answers[0].status_code in (200, 503)
    refused = [answer for answer in answers if answer.status_code == 503]
    assert all("too many requests" in answer.json()["error"] and answer.headers["retry-after"] for answer in refused)
    assert any(answer.status_code == 200 for answer in answers)


def test_nothing_is_written(client, run):
    before = sorted((path, path.stat().st_mtime_ns) for path in run.rglob("*"))
    ask(client, "CCO", explain=True)
    assert sorted((path, path.stat().st_mtime_ns) for path in run.rglob("*")) == before

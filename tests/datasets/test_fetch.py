import gzip
import hashlib
import http.server
import os
import sys
import threading
from dataclasses import replace
from pathlib import Path

import pytest

from graphattn.datasets import DatasetError, card
from graphattn.datasets import fetch as module
from graphattn.datasets.fetch import cache_directory, download, locate

CONTENT = b"smiles,target\r\nCCO,1.5\r\n" * 5000


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.server.requests.append(self.path)
        if self.path == "/missing.csv":
            self.send_error(404, "Not Found")
            return
        content = b"<html>log in</html>" if self.path == "/other.csv" else CONTENT
        self.send_response(200)
        if self.path == "/chunked.csv":  # no length announced, cut short
            content = content[:1000]
        else:
            self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content[:70000] if self.path == "/broken.csv" else content)

    def log_message(self, *args):
        pass


@pytest.fixture
def server(monkeypatch):
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.requests = []
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture(autouse=True)
def places(monkeypatch, tmp_path):
    """Nothing of the user's, and an empty cache."""
    monkeypatch.delenv("GRAPHATTN_DATA", raising=False)
    monkeypatch.setenv("GRAPHATTN_CACHE", str(tmp_path / "cache"))


def facts(server, page):
    url = f"http://127.0.0.1:{server.server_port}/{page}"
    return replace(card("hiv"), name="toy", file="toy.csv", url=url, sha256=hashlib.sha256(CONTENT).hexdigest())


def files_under(folder):
    return sorted(path.name for path in Path(folder).rglob("*") if path.is_file())


def test_downloaded_once_then_taken_from_the_cache(server, tmp_path):
    toy = facts(server, "toy.csv")
    path = locate(toy)
    assert path == tmp_path / "cache" / "datasets" / "toy" / "toy.csv"
    assert path.read_bytes() == CONTENT
    assert locate(toy) == path
    assert server.requests == ["/toy.csv"]
    assert list(path.parent.iterdir()) == [path]  # nothing temporary left behind


def test_damaged_cache_is_downloaded_again(server):
    toy = facts(server, "toy.csv")
    path = locate(toy)
    path.write_bytes(CONTENT[:17])
    assert locate(toy).read_bytes() == CONTENT
    assert len(server.requests) == 2


@pytest.mark.parametrize(
    ("page", "reason"),
    [
        ("other.csv", "the file there is another one \\(SHA-256 [0-9a-f]{64}, expected [0-9a-f]{64}\\)"),
        ("missing.csv", "the server answers 404 Not Found"),
        ("broken.csv", "the transfer broke off after 70,000 of 120,000 bytes"),
        ("chunked.csv", "the file there is another one"),
    ],
)
def test_failed_download_says_why_and_leaves_no_file(server, tmp_path, page, reason):
    toy = facts(server, page)
    expected = (
        f"^could not download the data set 'toy' from {toy.url}: {reason}.*; put the file at .*toy/toy.csv, "
        "or set GRAPHATTN_DATA to a directory that has toy/toy.csv$"
    )
    with pytest.raises(DatasetError, match=expected):
        locate(toy)
    assert files_under(tmp_path) == []


def test_failed_download_keeps_the_old_file(server, tmp_path):
    path = tmp_path / "toy.csv"
    path.write_bytes(b"old")
    with pytest.raises(DatasetError):
        download(facts(server, "broken.csv"), path)
    assert path.read_bytes() == b"old"


def test_no_connection(server, tmp_path):
    toy = facts(server, "toy.csv")
    server.shutdown()
    server.server_close()
    with pytest.raises(DatasetError, match=r"could not download the data set 'toy' .*refused.*set GRAPHATTN_DATA"):
        locate(toy)
    assert files_under(tmp_path) == []


def test_host_that_does_not_exist():
    toy = replace(card("hiv"), name="toy", url="http://host.invalid/toy.csv")
    with pytest.raises(DatasetError, match=r"could not download the data set 'toy' from http://host.invalid/toy.csv: "):
        locate(toy)


def test_cache_that_cannot_be_written(server, monkeypatch, tmp_path):
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("GRAPHATTN_CACHE", str(tmp_path / "file"))
    with pytest.raises(DatasetError, match=r"cannot write the data set 'toy' to .*set GRAPHATTN_CACHE"):
        locate(facts(server, "toy.csv"))


@pytest.mark.parametrize("packed", [False, True])
def test_own_data_directory_comes_first(server, monkeypatch, tmp_path, packed):
    own = tmp_path / "own" / "toy" / ("toy.csv.gz" if packed else "toy.csv")
    own.parent.mkdir(parents=True)
    own.write_bytes(gzip.compress(CONTENT) if packed else CONTENT)
    monkeypatch.setenv("GRAPHATTN_DATA", str(tmp_path / "own"))
    assert locate(facts(server, "toy.csv")) == own
    assert server.requests == []


def test_own_data_directory_with_another_file(server, monkeypatch, tmp_path):
    own = tmp_path / "own" / "toy"
    own.mkdir(parents=True)
    monkeypatch.setenv("GRAPHATTN_DATA", str(tmp_path / "own"))
    (own / "toy.csv.gz").write_bytes(gzip.compress(CONTENT)[:100])
    with pytest.raises(DatasetError, match=r"toy.csv.gz is not a whole gzip file"):
        locate(facts(server, "toy.csv"))
    (own / "toy.csv").write_bytes(CONTENT + b"N,0\n")
    with pytest.raises(DatasetError, match="is not the published file of the data set 'toy'"):
        locate(facts(server, "toy.csv"))
    assert server.requests == []


def test_own_data_directory_without_the_set_is_no_obstacle(monkeypatch, tmp_path):
    monkeypatch.setenv("GRAPHATTN_DATA", str(tmp_path))
    assert locate(card("esol")).name == "delaney-processed.csv"


def test_bundled_file_that_is_missing(monkeypatch):
    monkeypatch.setattr(module, "_bundled_copies", lambda card: [])
    with pytest.raises(DatasetError, match=r"comes with graphattn, but its file SAMPL\.csv is missing"):
        locate(card("freesolv"))


@pytest.mark.skipif(sys.platform in ("win32", "darwin"), reason="Linux directories")
def test_cache_directory(monkeypatch, tmp_path):
    assert cache_directory() == tmp_path / "cache" / "datasets"
    monkeypatch.delenv("GRAPHATTN_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    assert cache_directory() == tmp_path / "xdg" / "graphattn" / "datasets"
    monkeypatch.setenv("XDG_CACHE_HOME", "")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert cache_directory() == tmp_path / ".cache" / "graphattn" / "datasets"


@pytest.mark.skipif(os.name == "nt", reason="Unix permissions")
def test_downloaded_file_has_ordinary_permissions(server):
    mask = os.umask(0o022)
    try:
        path = locate(facts(server, "toy.csv"))
    finally:
        os.umask(mask)
    assert path.stat().st_mode & 0o777 == 0o644

"""fetch: what is stored came over https, is small enough, and has the hash; else nothing is stored."""

import gzip
import hashlib
import http.client
import io
import urllib.error
import urllib.request

import pytest

from minigrad.data.formats.fetch import fetch_gzip

CONTENT = b"four files of digits" * 50
GOOD = gzip.compress(CONTENT)
SHA256 = hashlib.sha256(CONTENT).hexdigest()


class Answer(io.BytesIO):
    def __init__(self, content, url):
        super().__init__(content)
        self.url = url
        self.seen = 0

    def read(self, size=-1):
        content = super().read(size)
        self.seen += len(content)
        return content


@pytest.fixture
def web(monkeypatch):
    """A web of pages: url -> bytes, (bytes, final url), or an exception. What was asked for is noted."""
    pages, asked, answers = {}, [], []

    def urlopen(url, timeout):
        asked.append(url)
        page = pages.get(url, urllib.error.HTTPError(url, 404, "Not Found", {}, None))
        if isinstance(page, Exception):
            raise page
        content, final = page if isinstance(page, tuple) else (page, url)
        answers.append(Answer(content, final))
        return answers[-1]

    monkeypatch.setattr(urllib.request, "urlopen", urlopen)
    yield pages, asked
    assert all(answer.seen <= len(CONTENT) + 1025 for answer in answers), "more was read than the file can hold"


def fetch(folder, *urls):
    fetch_gzip(urls, folder / "new" / "a.gz", SHA256, len(CONTENT))


def test_the_first_good_answer_is_stored_as_it_came(tmp_path, web):
    pages, asked = web
    pages["https://b/"] = pages["https://c/"] = GOOD
    fetch(tmp_path, "https://a/", "https://b/", "https://c/")
    assert (tmp_path / "new" / "a.gz").read_bytes() == GOOD
    assert asked == ["https://a/", "https://b/"]
    assert len(list((tmp_path / "new").iterdir())) == 1


PAGES = [
    (gzip.compress(CONTENT[:-1] + b"!"), "not the expected file"),
    (gzip.compress(CONTENT + b"!"), "not the expected file"),
    (gzip.compress(b""), "not the expected file"),
    (b"<html>please log in</html>", "damaged gzip data"),
    (GOOD[:-2], "damaged gzip data"),
    (GOOD[:-8] + b"\0\0\0\0" + GOOD[-4:], "damaged gzip data"),
    (bytes(len(CONTENT) + 5000), f"longer than {len(CONTENT) + 1024} bytes"),
    ((GOOD, "http://a/elsewhere"), "redirected to http://a/elsewhere"),
    (urllib.error.URLError("no route"), "no route"),
    (TimeoutError("timed out"), "timed out"),
    (http.client.IncompleteRead(b"half"), "broken answer"),
]


@pytest.mark.parametrize(("page", "reason"), PAGES, ids=range(len(PAGES)))
def test_anything_else_is_an_error_and_nothing_is_stored(tmp_path, web, page, reason):
    web[0]["https://a/"] = page
    with pytest.raises(OSError, match=f"a.gz could not be fetched:\n  https://a/: .*{reason}"):
        fetch(tmp_path, "https://a/")
    assert not list(tmp_path.iterdir())


def test_plain_http_is_never_asked(tmp_path, web):
    web[0]["http://a/"] = GOOD
    with pytest.raises(OSError, match="not an https address"):
        fetch(tmp_path, "http://a/")
    assert web[1] == []

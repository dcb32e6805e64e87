from graphattn.tasks.common import html


def test_texts_are_escaped_and_markup_is_kept():
    assert html.card("<svg/>", "a < b") == '<figure class="card"><svg/><p class="note">a &lt; b</p></figure>'
    assert html.row("td", ["<b>1</b>", "2"]) == "<tr><td><b>1</b></td><td>2</td></tr>"
    assert html.definitions([("a&b", "<c>")]) == "<dl><dt>a&amp;b</dt><dd>&lt;c&gt;</dd></dl>"
    assert html.definitions([], kind="facts") == '<dl class="facts"></dl>'

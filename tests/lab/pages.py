"""Reading a report as a browser would: tags that match, nothing loaded from elsewhere."""

from html.parser import HTMLParser


class Reader(HTMLParser):
    """Fails on tags that do not match, notes what a page would load from elsewhere, and the anchors it links to."""

    VOID = {"meta", "img", "br", "link"}

    def __init__(self):
        super().__init__()
        self.open, self.loads, self.images, self.text, self.links, self.anchors = [], [], [], [], [], []

    def handle_starttag(self, tag, attributes):
        attributes = dict(attributes)
        for name in ("src", "href"):
            if name in attributes and not attributes[name].startswith(("data:", "#")):
                self.loads.append(attributes[name])
        if attributes.get("href", "").startswith("#"):
            self.links.append(attributes["href"][1:])
        if "id" in attributes:
            self.anchors.append(attributes["id"])
        if tag == "img":
            assert attributes["alt"]
            self.images.append(attributes["src"])
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text.append(data)


def read(html):
    reader = Reader()
    reader.feed(html)
    reader.close()
    assert reader.open == []
    return reader

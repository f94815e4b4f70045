"""Reading a page: its tags, and whether they are balanced."""

from html.parser import HTMLParser


class Outline(HTMLParser):
    """The tags of a page, whether they are balanced, and what is linked."""

    VOID = frozenset({"meta", "rect"})

    def __init__(self, content: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: set[str] = set()
        self.ids: list[str] = []
        self.links: list[str] = []
        self.attributes: set[str] = set()
        self.text = ""
        self.feed(content)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Take what opens."""
        self.tags.add(tag)
        self.attributes.update(name for name, _ in attrs)
        given = dict(attrs)
        self.ids.extend(filter(None, [given.get("id")]))
        self.links.extend(filter(None, [given.get("href")]))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Take what opens and closes at once."""
        self.tags.add(tag)
        self.attributes.update(name for name, _ in attrs)

    def handle_endtag(self, tag: str) -> None:
        """See that what closes was the last to open."""
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        """Take the text."""
        self.text += data

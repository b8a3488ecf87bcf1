"""The reference as HTML: a page for each header, an index of all names, nothing that needs a server."""

import html
import re

import prose
import reference

STYLE = """
body { max-width: 58em; margin: 2em auto; padding: 0 1em; font: 16px/1.5 sans-serif; color: #222; background: #fff; }
nav, footer { color: #666; } a { color: #0a5; text-decoration: none; } a:hover { text-decoration: underline; }
h1, h2, h3 { line-height: 1.2; } h2 { margin-top: 2.2em; border-bottom: 1px solid #ccc; } h3 { margin-top: 2em; }
pre { padding: .6em .8em; background: #f4f4f2; overflow-x: auto; } code, pre { font: 14px/1.45 monospace; }
dt { margin-top: .6em; } dd { margin-left: 2em; } dd p, dd pre { margin: .2em 0; }
@media (prefers-color-scheme: dark) { body { color: #ddd; background: #1b1b1b; } pre { background: #282828; } a { color: #6c9; } }
"""


def file_of(header):
    return reference.chapter_name(header).removesuffix(".h") + ".html"


class Web:
    def __init__(self, ref):
        self.ref = ref
        self.places = {}    # name → file#anchor
        for header in ref.headers:
            for family in header.families():
                for item in family.items:
                    for name in [item.name, *(member.name for member in item.members if item.kind in ("enum", "table"))]:
                        self.places[name] = f"{file_of(header)}#{family.name}"

    def marked(self, text, page):
        """Escaped text with links at the names that are in it."""
        def link(found):
            place = self.places.get(found.group()) or self.places.get("SSHIO_" + found.group())
            return f'<a href="{place.removeprefix(page)}">{found.group()}</a>' if place else found.group()
        escaped = re.sub(r"`([^`]+)`", r"<code>\1</code>", html.escape(text, quote=False))
        return re.sub(r"\b(?:sshio|SSHIO)_\w+|\bE[A-Z_]{3,}\b", link, escaped)

    def paragraphs(self, text, page):
        for paragraph in prose.paragraphs(text):
            if paragraph.literal:
                yield "<pre>" + self.marked("\n".join(paragraph.sentences), page) + "</pre>"
            else:
                yield "<p>" + self.marked(" ".join(prose.finish(sentence) for sentence in paragraph.sentences), page) + "</p>"

    def described(self, rows, page):
        """A list of (code, text)."""
        yield "<dl>"
        for code, text in rows:
            yield f"<dt><code>{self.marked(code, page)}</code></dt>"
            if text:
                yield "<dd>" + "".join(self.paragraphs(text, page)) + "</dd>"
        yield "</dl>"

    def family(self, family, page):
        yield f'<h3 id="{family.name}">{", ".join(item.name for item in family.items)}</h3>'
        yield "<pre>" + self.marked("\n".join(item.code + ("" if item.code.startswith("#") else ";") for item in family.items), page) + "</pre>"
        yield from self.paragraphs(family.comment, page)
        own = [(item.name, item.comment) for item in family.items if item.comment]
        if len(family.items) == 1 and own:
            yield from self.paragraphs(own[0][1], page)
        elif own:
            yield from self.described(own, page)
        for item in family.items:
            members = [(member.code, member.comment) for member in item.members if member.name != "reserved" and "SSHIO_ERRORS" not in member.code]
            if members:
                yield from self.described(members, page)

    def header(self, header):
        page = file_of(header)
        yield f"<h1>{header.name}</h1>"
        yield from self.paragraphs(header.text, page)
        for section in header.sections:
            if section.title:
                yield f"<h2>{html.escape(reference.capital(section.title))}</h2>"
                yield from self.paragraphs(section.text, page)
            for family in section.families:
                yield from self.family(family, page)

    def index(self):
        yield "<h1>sshio</h1><p>The reference of the library, one page a header. Programs say <code>#include &lt;sshio.h&gt;</code>.</p><dl>"
        for header in self.ref.headers:
            summary = html.escape(prose.finish(prose.summary(header.text)))
            yield f'<dt><a href="{file_of(header)}">{header.name}</a></dt><dd>{summary}</dd>'
        yield "</dl><h2>All names</h2><p>"
        names = [item.name for header in self.ref.headers for family in header.families() for item in family.items]
        yield " ".join(f'<a href="{self.places[name]}">{name}</a>' for name in sorted(names, key=str.lower))
        yield "</p>"


def whole(title, body, is_index=False):
    up = "" if is_index else '<nav><a href="index.html">sshio</a></nav>'
    return (f'<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8"><title>{html.escape(title)}</title>'
            f"<style>{STYLE}</style></head><body>{up}\n" + "\n".join(body) + "\n</body></html>\n")


def all_pages(ref):
    """(file name, text) of each page."""
    web = Web(ref)
    yield "index.html", whole("sshio", web.index(), is_index=True)
    for header in ref.headers:
        yield file_of(header), whole(header.name, web.header(header))

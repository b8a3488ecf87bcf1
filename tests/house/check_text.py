#!/usr/bin/env python3
"""How the sources look, as far as a machine can tell without a formatter.

usage: check_text.py PROJECT

UTF-8, line feeds, no tabs and no blanks at line ends in C and Python, a newline at the end, no file over 800 lines, an include
guard in each header, and a comment at the top of each C file.
"""

import pathlib
import re
import sys

FOLDERS = ("include", "src", "tools", "examples", "bench", "tests", "docs")
MAX_LINES = 800
MAX_COLUMNS = 170       # code keeps to 100; a comment behind a declaration may run on


def complaints(path):
    text = path.read_bytes().decode("utf-8")
    lines = text.split("\n")
    if not text.endswith("\n") or text.endswith("\n\n"):
        yield len(lines), "the file does not end with one newline"
    if len(lines) - 1 > MAX_LINES:
        yield len(lines), f"more than {MAX_LINES} lines: there are two modules in it"
    for number, line in enumerate(lines, 1):
        if line != line.rstrip():
            yield number, "blanks at the end of the line"
        if "\t" in line:
            yield number, "a tab"
        if re.match(r"<<<<<<< |>>>>>>> ", line):
            yield number, "a merge that was not finished"
        if len(line) > MAX_COLUMNS:
            yield number, f"{len(line)} columns"
    if path.suffix in (".c", ".h") and not text.startswith("/*"):
        yield 1, "no comment says what this file is"
    if path.suffix == ".h" and not re.search(r"^#ifndef \w+\n#define \w+\n", text, flags=re.M):
        yield 1, "no include guard"


def main():
    project = pathlib.Path(sys.argv[1]).resolve()
    paths = [path for folder in FOLDERS for path in sorted((project / folder).glob("**/*")) if path.suffix in (".c", ".h", ".py")]
    found = [(path, number, what) for path in paths for number, what in complaints(path)]
    for path, number, what in found:
        print(f"{path.relative_to(project)}:{number}: {what}")
    print(f"{len(paths)} files, {len(found)} complaints")
    return 1 if found or not paths else 0


sys.exit(main())

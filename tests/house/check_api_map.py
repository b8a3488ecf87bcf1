#!/usr/bin/env python3
"""docs/api-map.tsv claims nothing that is not so.

usage: check_api_map.py PROJECT libsshio.so

Its rows are the entries of the API that sshio follows. A row whose c column is empty is not built yet; one that is filled
names C functions (exported by the library), types, macros, constants or members as type.member (in include/), or quoted
texts (string literals in src/). The test column names FILE::TEST for such rows, and never stands alone.
"""

import pathlib
import re
import subprocess
import sys

HEADER = ["section", "name", "c", "test"]


class Project:
    def __init__(self, folder, library):
        self.folder = folder
        headers = [path.read_text(encoding="utf-8") for path in sorted((folder / "include").glob("**/*.h"))]
        self.include = "\n".join(headers)
        self.words = set(re.findall(r"\w+", self.include))
        sources = [path.read_text(encoding="utf-8") for path in sorted((folder / "src").glob("**/*.[ch]"))]
        self.literals = set(re.findall(r'"((?:[^"\\\n]|\\.)*)"', "\n".join(sources)))
        listing = subprocess.run(["nm", "-D", "--defined-only", library], capture_output=True, text=True, check=True).stdout
        self.exported = {line.split()[-1].split("@")[0] for line in listing.splitlines() if line.split()}

    def has_name(self, name):
        if name.startswith('"'):
            text = name.strip('"')
            return any(text == literal or text in re.split(r"[,\s]", literal) for literal in self.literals)
        if "." in name:
            return all(part in self.words for part in name.split("."))
        is_function = re.search(r"\b%s\s*\(" % re.escape(name), self.include)
        is_macro = re.search(r"#define\s+%s\b" % re.escape(name), self.include)
        return name in self.exported if is_function and not is_macro else name in self.words

    def has_test(self, test):
        path, _, name = test.partition("::")
        file = self.folder / path
        if not name or not file.is_file():
            return False
        word = re.escape(name)
        form = {".c": r"\b%s\s*\(", ".py": r"\bdef\s+%s\b"}.get(file.suffix, r"(?m)^%s\b") % word
        return re.search(form, file.read_text(encoding="utf-8")) is not None


def split(column):
    return [part.strip() for part in column.split(",") if part.strip()]


def complaints(project, lines):
    seen = set()
    for number, line in enumerate(lines, 2):
        fields = line.split("\t")
        if len(fields) != len(HEADER):
            yield f"line {number} has {len(fields)} columns"
            continue
        section, name, c_names, tests = fields
        if (section, name) in seen:
            yield f"line {number}: {section} / {name} stands twice"
        seen.add((section, name))
        for c_name in split(c_names):
            if not project.has_name(c_name):
                yield f"line {number}: {name}: there is no {c_name}"
        for test in split(tests):
            if not project.has_test(test):
                yield f"line {number}: {name}: there is no test {test}"
        if tests and not c_names:
            yield f"line {number}: {name} has a test and no C name"
        if c_names and not tests:
            yield f"line {number}: {name} has a C name and no test"


def main():
    folder = pathlib.Path(sys.argv[1]).resolve()
    lines = (folder / "docs" / "api-map.tsv").read_text(encoding="utf-8").splitlines()
    found = [] if lines[:1] == ["\t".join(HEADER)] else ["the first line is not the header"]
    found += complaints(Project(folder, sys.argv[2]), lines[1:])
    built = sum(1 for line in lines[1:] if len(line.split("\t")) == 4 and line.split("\t")[2])
    print("\n".join(found))
    print(f"{len(lines) - 1} entries, {built} built, {len(found)} complaints")
    return 1 if found or len(lines) < 2 else 0


sys.exit(main())

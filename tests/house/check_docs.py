#!/usr/bin/env python3
"""The pages that `make docs` makes are whole, and lead to each other.

usage: check_docs.py PROJECT DOCS libsshio.so sshio       DOCS: the folder of the pages
       check_docs.py --lint DOCS                          what mandoc says against them

Every public declaration has a comment. Every function that the library exports has a page, and so has everything else in the headers.
Every option that a tool's help shows, and every keyword of the config files, has an entry. References lead to pages, links to places.
Without mandoc --lint skips, but for SSHIO_REQUIRE_PEERS=1.
"""

import os
import pathlib
import re
import shutil
import subprocess
import sys

SKIPPED = 77
LISTED_AT_ONCE = 200    # pages that mandoc gets at a time
CONFIG_PAGES = {"CLIENT": "man5/sshio_config.5", "SERVER": "man5/sshio_sshd_config.5"}


def run(*command):
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


def pages(docs):
    return sorted(path for path in docs.glob("man?/*") if not path.is_symlink())


def read(path):
    return path.read_text(encoding="utf-8") if path.exists() else ""


# ---- the library ----

def exported(library):
    listing = run("nm", "--dynamic", "--defined-only", library).stdout
    return {line.split()[-1].split("@")[0] for line in listing.splitlines() if " T " in line and "sshio_" in line}


def library_complaints(docs, library, chapters):
    functions = exported(library)
    items = {item.name for header in chapters for family in header.families() for item in family.items}
    for name in sorted(functions | items):
        page = docs / "man3" / f"{name}.3"
        if not re.search(r"^\.Nm %s\b" % re.escape(name), read(page), re.M):
            yield f"{name} has no page"
        elif name in functions and not re.search(r"^\.Fo %s$" % re.escape(name), read(page), re.M):
            yield f"the page of {name} does not show how it is called"
    if not functions:
        yield "the library exports nothing"


# ---- the tools and their files ----

def tool_complaints(docs, program):
    tools = re.findall(r"^  (\w+) ", run(program, "--help").stdout, re.M)
    for tool in tools:
        options = re.findall(r"^  -(\S) ", run(program, tool, "--help").stdout, re.M)
        page = read(next(iter(docs.glob(f"man?/sshio-{tool}.?")), docs / "none"))
        if not options:
            yield f"sshio {tool} --help shows no options"
        for letter in options:
            if not re.search(r"^\.It Fl %s\b" % letter, page, re.M):
                yield f"option -{letter} has no entry in the page of sshio {tool}"
    if not tools:
        yield "sshio --help shows no tools"


def keyword_complaints(project, docs):
    source = read(project / "src" / "config" / "keywords.c")
    rows = re.findall(r'\{ "(\w+)",(?: VALUE_\w+,)?\s+(CLIENT|SERVER|BOTH)', source)
    for name, sides in rows:
        for side, page in CONFIG_PAGES.items():
            if sides in (side, "BOTH") and not re.search(r"^\.(?:It )?Cm %s\b" % name, read(docs / page), re.M):
                yield f"{name} has no entry in {page}"
    for name in re.findall(r"^([\w, ]+):", read(project / "docs" / "man" / "keywords.txt"), re.M):
        if name.split(",")[0] not in dict(rows):
            yield f"docs/man/keywords.txt is about {name}, which is no keyword"
    if not rows:
        yield "no keyword was found"


# ---- where things lead ----

def reference_complaints(docs):
    for path in pages(docs):
        for name, section in re.findall(r"\bXr (\S+) (\d)", read(path)):
            if not (docs / f"man{section}" / f"{name}.{section}").exists():
                yield f"{path.name} refers to {name}({section}), which is not there"
    for path in docs.glob("man?/*"):
        if not path.exists():
            yield f"{path.name} leads nowhere"


def link_complaints(docs):
    texts = {path.name: read(path) for path in (docs / "html").glob("*.html")}
    for name, text in texts.items():
        for link in re.findall(r'href="([^"]+)"', text):
            page, _, place = link.partition("#")
            target = texts.get(page or name, "")
            if not target or (place and f'id="{place}"' not in target):
                yield f"{name} links to {link}, which is not there"
    if "index.html" not in texts:
        yield "there is no index.html"


# ---- the rules for comments ----

SAMPLE = """/* sshio/sample.h: a sample.
 *
 * More of it. */
#ifndef SSHIO_SAMPLE_H
#define SSHIO_SAMPLE_H
#ifdef __cplusplus
#define SSHIO_ONLY_CXX 1
#else
#define SSHIO_ONLY_C 1 /* in C */
#endif
SSHIO_BEGIN

/* ---- first ---- */
/* Of all of them. */

/* Both of them. */
SSHIO_API int sshio_one(void); /* the first; SSHIO_ENOMEM */
SSHIO_API int sshio_two(int (*call)(int a, int b), const char *format, ...) SSHIO_PRINTF(2, 3);

SSHIO_API int sshio_three(void);
typedef struct sshio_four {
    size_t size;
    int bare;
    int told; /* a number,
                 of something */
    /* Called. */
    void (*made)(void *user);
} sshio_four;
#define SSHIO_FOUR(...) SSHIO_OPTIONS(sshio_four, __VA_ARGS__)
SSHIO_API void sshio_four_init(sshio_four *four);
SSHIO_API void sshio_six(void);

typedef enum sshio_five { /* a choice */
    SSHIO_FIVE_A, /* a, or nothing */
    SSHIO_FIVE_B = X(1, 2) /* b, the last */
} sshio_five;

enum { SSHIO_SEVEN = 7, SSHIO_EIGHT };

SSHIO_END
#endif
"""


def rule_complaints(headers):
    """The rules that headers.py states, on a sample."""
    sample = headers.read_header("sshio/sample.h", SAMPLE)
    first = sample.sections[1]
    items = {item.name: item for family in sample.families() for item in family.items}
    facts = {
        "the introduction": sample.text == "a sample.\n\nMore of it.",
        "the half for C": "SSHIO_ONLY_C" in items and "SSHIO_ONLY_CXX" not in items,
        "the section": (first.title, first.text) == ("first", "Of all of them."),
        "the families": [[item.name for item in family.items] for family in first.families]
        == [["sshio_one", "sshio_two"], ["sshio_three"], ["sshio_four", "SSHIO_FOUR", "sshio_four_init"], ["sshio_six"], ["sshio_five"],
            ["SSHIO_SEVEN"]],
        "a comment before": first.families[0].comment == "Both of them.",
        "a comment behind": items["sshio_one"].comment == "the first; SSHIO_ENOMEM",
        "parameters": items["sshio_two"].parameters == ["int (*call)(int a, int b)", "const char *format", "..."],
        "members": [member.comment for member in items["sshio_four"].members] == ["", "", "a number,\nof something", "Called."],
        "an enum": [items["sshio_five"].comment] + [f"{member.code}: {member.comment}" for member in items["sshio_five"].members]
        == ["a choice", "SSHIO_FIVE_A: a, or nothing", "SSHIO_FIVE_B = X(1, 2): b, the last"],
        "what has no comment": list(headers.undocumented(sample)) == ["sshio_three", "sshio_four", "sshio_four.bare", "sshio_six", "SSHIO_SEVEN"],
    }
    for fact, holds in facts.items():
        if not holds:
            yield f"headers.py reads the sample otherwise: {fact}"


def complaints(project, docs, library, program):
    sys.path.insert(0, str(project / "docs" / "generate"))
    sys.dont_write_bytecode = True
    import headers  # pylint: disable=import-outside-toplevel
    chapters = headers.read_all(project)
    yield from rule_complaints(headers)
    for header in chapters:
        for name in headers.undocumented(header):
            yield f"{header.name}: {name} has no comment"
    yield from library_complaints(docs, library, chapters)
    yield from tool_complaints(docs, program)
    yield from keyword_complaints(project, docs)
    yield from reference_complaints(docs)
    yield from link_complaints(docs)


def lint_complaints(docs):
    """What mandoc finds, style included; it looks for references in the system's pages, so those are checked above."""
    paths = [str(path.relative_to(docs)) for path in pages(docs)]
    for begin in range(0, len(paths), LISTED_AT_ONCE):
        done = subprocess.run(["mandoc", "-T", "lint", *paths[begin:begin + LISTED_AT_ONCE]], cwd=docs, capture_output=True, text=True,
                              timeout=120, check=False)
        yield from (line for line in (done.stdout + done.stderr).splitlines() if "referenced manual not found" not in line)
    if not paths:
        yield "there are no pages"


def main():
    if sys.argv[1] == "--lint":
        if shutil.which("mandoc") is None:
            print("mandoc is not installed: the pages were not checked by it")
            return 1 if os.environ.get("SSHIO_REQUIRE_PEERS") == "1" else SKIPPED
        docs = pathlib.Path(sys.argv[2]).resolve()
        found = list(lint_complaints(docs))
    else:
        project, docs = pathlib.Path(sys.argv[1]).resolve(), pathlib.Path(sys.argv[2]).resolve()
        found = list(complaints(project, docs, sys.argv[3], sys.argv[4]))
    print("\n".join(found))
    print(f"{len(pages(docs))} pages, {len(found)} complaints")
    return 1 if found else 0


sys.exit(main())

#!/usr/bin/env python3
"""Every example is C11, C++17 and C++20: it compiles as each without a warning, with the public headers as system headers.

usage: check_examples.py PROJECT

CC names the C compiler. C++ is tried with each of g++ and clang++ that is there.
"""

import os
import pathlib
import shutil
import subprocess
import sys

WARNINGS = ["-Wall", "-Wextra", "-Wno-missing-field-initializers", "-Werror", "-D_GNU_SOURCE",
            "-fsyntax-only"]
# Designated initialisers are C++20; both compilers take them in C++17 as well, and clang says so.
ONLY_C = {"demo.c"}             # plays both sides with processes of its own, in plain C
CXX_WARNINGS = ["-Wno-c++20-designator", "-Wno-unknown-warning-option"]


def languages():
    """(compiler and options, standard) for each way to compile an example."""
    yield os.environ.get("CC", "cc").split() + ["-x", "c", "-std=c11"], "C11"
    for compiler in ("g++", "clang++", "clang++-14"):
        if shutil.which(compiler):
            more = CXX_WARNINGS if compiler.startswith("clang") else []
            for standard in ("17", "20"):
                yield [compiler, "-x", "c++", f"-std=c++{standard}", *more], f"{compiler}, C++{standard}"


def main():
    project = pathlib.Path(sys.argv[1]).resolve()
    examples = sorted((project / "examples").glob("*.c"))
    ways = list(languages())
    failures = 0
    for example in examples:
        for command, standard in ways[:1] if example.name in ONLY_C else ways:
            done = subprocess.run([*command, *WARNINGS, "-isystem", str(project / "include"), str(example)], text=True,
                                  capture_output=True, timeout=120, check=False)
            if done.returncode != 0:
                failures += 1
                print(f"{example.name} does not compile as {standard}:\n{done.stderr}")
    print(f"{len(examples)} examples, {len(ways)} ways, {failures} failures")
    return 1 if failures or not examples else 0


sys.exit(main())

#!/usr/bin/env python3
"""Every public header compiles alone, as C11, C++17 and C++20, without a warning.

usage: check_headers.py PROJECT

CC names the C compiler. C++ is tried with each of g++ and clang++ that is there; without any of them the C half counts
alone, and the output says so.
"""

import os
import pathlib
import shutil
import subprocess
import sys

WARNINGS = ["-Wall", "-Wextra", "-Werror", "-pedantic", "-fsyntax-only"]


def languages():
    """(compiler and options, standard) for each way to compile a header."""
    yield os.environ.get("CC", "cc").split() + ["-x", "c", "-std=c11"], "C11"
    yield os.environ.get("CC", "cc").split() + ["-x", "c", "-std=c11", "-D_POSIX_C_SOURCE=200809L"], "C11, POSIX"
    for compiler in ("g++", "clang++", "clang++-14"):
        if shutil.which(compiler):
            for standard in ("17", "20"):
                yield [compiler, "-x", "c++", f"-std=c++{standard}"], f"{compiler}, C++{standard}"


def main():
    project = pathlib.Path(sys.argv[1]).resolve()
    headers = sorted((project / "include").glob("**/*.h"))
    ways = list(languages())
    failures = 0
    for header in headers:
        name = header.relative_to(project / "include")
        for command, standard in ways:
            # Twice, so that the include guard is seen to work.
            source = f"#include <{name}>\n#include <{name}>\nint unused_{len(str(name))};\n"
            done = subprocess.run(command + WARNINGS + ["-I", str(project / "include"), "-"], input=source, text=True,
                                  capture_output=True, timeout=120, check=False)
            if done.returncode != 0:
                failures += 1
                print(f"{name} does not compile alone as {standard}:\n{done.stderr}")
    if len(ways) <= 2:
        print("no C++ compiler is installed: C++ was not tried")
    print(f"{len(headers)} headers, {len(ways)} ways, {failures} failures")
    return 1 if failures or not headers else 0


sys.exit(main())

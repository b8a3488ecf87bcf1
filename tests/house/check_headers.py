#!/usr/bin/env python3
"""Every public header compiles alone, as C11, C++17 and C++20, without a warning.

usage: check_headers.py PROJECT

CC names the C compiler. C++ is tried with g++ and clang++, as far as they are there; without them the C half counts alone, and the
output says so.
"""

import concurrent.futures
import os
import pathlib
import shutil
import subprocess
import sys

WARNINGS = ["-Wall", "-Wextra", "-Werror", "-pedantic", "-fsyntax-only"]


def languages():
    """(compiler and options, name) for each way to compile a header."""
    yield os.environ.get("CC", "cc").split() + ["-x", "c", "-std=c11"], "C11"
    for compiler in ("g++", "clang++-14"):
        if shutil.which(compiler):
            for standard in ("17", "20"):
                yield [compiler, "-x", "c++", f"-std=c++{standard}"], f"{compiler}, C++{standard}"


def complaint(include, header, command, language):
    """What the compiler says against a header, if anything. It is included twice, so that its guard is seen to work."""
    source = f"#include <{header}>\n#include <{header}>\nextern int something;\n"
    done = subprocess.run(command + WARNINGS + ["-I", include, "-"], input=source, text=True, capture_output=True,
                          timeout=120, check=False)
    return f"{header} does not compile alone as {language}:\n{done.stderr}" if done.returncode != 0 else None


def main():
    include = pathlib.Path(sys.argv[1]).resolve() / "include"
    headers = [path.relative_to(include) for path in sorted(include.glob("**/*.h"))]
    ways = list(languages())
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        jobs = [pool.submit(complaint, str(include), header, *way) for header in headers for way in ways]
        found = [job.result() for job in jobs if job.result() is not None]
    print("\n".join(found))
    if len(ways) == 1:
        print("no C++ compiler is installed: C++ was not tried")
    print(f"{len(headers)} headers, {len(ways)} ways, {len(found)} complaints")
    return 1 if found or not headers else 0


sys.exit(main())

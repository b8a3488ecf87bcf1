#!/usr/bin/env python3
"""What the built libraries show to a linker: names of the public API and nothing else.

usage: check_exports.py PROJECT libsshio.so libsshio.a

The shared library exports what the headers declare, each name with version SSHIO_0, under the soname libsshio.so.0. The
static library has no global symbol without the prefix sshio_. Sanitizers add symbols of their own, which do not count.
"""

import pathlib
import re
import subprocess
import sys

SANITIZER = re.compile(r"_*(asan|ubsan|lsan|tsan|sanitizer|odr_asan)|__sancov|__start_|__stop_")


def run(*command):
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=True).stdout


def declared(project):
    """Names that the public headers declare with SSHIO_API."""
    text = "\n".join(path.read_text(encoding="utf-8") for path in sorted((project / "include").glob("**/*.h")))
    text = re.sub(r"/\*.*?\*/", " ", text, flags=re.S)
    text = re.sub(r"^\s*#.*(?:\\\n.*)*", "", text, flags=re.M)
    statements = re.findall(r"SSHIO_API\s+([^;]*);", text)
    return {re.search(r"(sshio_\w+)\s*(?:\(|\[|$)", statement).group(1) for statement in statements}


def global_symbols(*command):
    """name → type of each global symbol that is defined."""
    lines = [line.split() for line in run("nm", "--defined-only", "--extern-only", *command).splitlines()]
    return {fields[2]: fields[1] for fields in lines if len(fields) == 3 and not SANITIZER.match(fields[2])}


def complaints(project, shared, static):
    exported = global_symbols("--dynamic", shared)
    exported.pop("SSHIO_0", None)
    names = {name.split("@")[0] for name in exported if name != "SSHIO_0@@SSHIO_0"}
    for name in sorted(exported):
        if not name.startswith("sshio_") and not name.startswith("SSHIO_0"):
            yield f"the shared library exports {name}"
        elif name.startswith("sshio_") and not name.endswith("@@SSHIO_0"):
            yield f"{name} has not the version SSHIO_0"
    for name in sorted(declared(project) - names):
        yield f"{name} is declared and not exported"
    for name in sorted({name for name in names if name.startswith("sshio_")} - declared(project)):
        yield f"{name} is exported and not declared"
    if "[libsshio.so.0]" not in run("readelf", "-d", shared):
        yield "the soname is not libsshio.so.0"
    for name in sorted(global_symbols(static)):
        if not name.startswith("sshio_"):
            yield f"the static library defines the global symbol {name}"
    if not names:
        yield "the shared library exports nothing"


def main():
    found = list(complaints(pathlib.Path(sys.argv[1]).resolve(), sys.argv[2], sys.argv[3]))
    print("\n".join(found))
    print(f"{len(found)} complaints")
    return 1 if found else 0


sys.exit(main())

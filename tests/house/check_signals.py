#!/usr/bin/env python3
"""Nothing runs in a signal handler (rule X10 of the security checklist).

usage: check_signals.py PROJECT

libuv's own handlers write to a pipe and nothing else, so uv_signal is the way to hear of a signal. A disposition may be set to be
ignored or to the default by programs, and by src/io/child.c between fork and exec; the library sets none.
"""

import pathlib
import re
import sys

CALL = re.compile(r"(?<![\w>.])(signal|sigaction|sigset|bsd_signal|sysv_signal|sigaltstack)\s*\(([^;]*)\)\s*;")
HANDLER = re.compile(r"\bsa_(?:handler|sigaction)\s*=(?!\s*SIG_(?:IGN|DFL)\b)")
CHILD = "src/io/child.c"


def complaints(name, text):
    for match in CALL.finditer(text):
        line = text.count("\n", 0, match.start()) + 1
        harmless = re.search(r",\s*SIG_(IGN|DFL)\s*$|^[^,]*,\s*NULL\s*,", match.group(2))  # the second only asks
        if name.startswith("src/") and name != CHILD:
            yield line, f"{match.group(1)}(): the library leaves signals to the program"
        elif name != CHILD and not harmless:
            yield line, f"{match.group(1)}(): a handler; use uv_signal"
    for match in HANDLER.finditer(text):
        yield text.count("\n", 0, match.start()) + 1, "a signal handler; use uv_signal"


def main():
    project = pathlib.Path(sys.argv[1]).resolve()
    paths = [path for folder in ("include", "src", "tools", "examples") for path in sorted((project / folder).glob("**/*.[ch]"))]
    found = [(path, *complaint) for path in paths for complaint in complaints(str(path.relative_to(project)), path.read_text())]
    for path, line, what in found:
        print(f"{path.relative_to(project)}:{line}: {what}")
    print(f"{len(paths)} files, {len(found)} complaints")
    return 1 if found or not paths else 0


sys.exit(main())

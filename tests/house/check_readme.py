#!/usr/bin/env python3
"""The programs in README.md compile.

usage: check_readme.py PROJECT        CC names the compiler
"""

import os
import pathlib
import re
import subprocess
import sys


def main():
    project = pathlib.Path(sys.argv[1]).resolve()
    text = (project / "README.md").read_text(encoding="utf-8")
    programs = re.findall(r"^```c\n(.*?)^```$", text, flags=re.M | re.S)
    failures = 0
    for number, program in enumerate(programs, 1):
        command = os.environ.get("CC", "cc").split() + ["-x", "c", "-std=c11", "-Wall", "-Wextra", "-Werror", "-fsyntax-only",
                                                        "-I", str(project / "include"), "-"]
        done = subprocess.run(command, input=program, text=True, capture_output=True, timeout=60, check=False)
        if done.returncode != 0:
            failures += 1
            print(f"program {number} does not compile:\n{done.stderr}")
    print(f"{len(programs)} programs, {failures} failures")
    return 1 if failures or not programs else 0


sys.exit(main())

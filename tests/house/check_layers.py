#!/usr/bin/env python3
"""The walls between the rooms of src/: who may include whom, and who may touch the system.

usage: check_layers.py PROJECT

Arrows run down only. libuv, descriptors, sockets, files and the clock belong to io and what stands above it; libcrypto
belongs to crypto and key, zlib to the engine, libidn to base. Tools, examples and benchmarks see the public headers alone.
"""

import pathlib
import re
import sys

# Each room, and the rooms whose headers it may include besides its own and the public ones.
MAY_INCLUDE = {
    "base": set(),
    "crypto": {"base"},
    "key": {"base", "crypto"},
    "engine": {"base", "crypto", "key"},
    "config": {"base", "crypto", "key"},
    "io": {"base", "crypto", "key", "engine"},
    "agent": {"base", "crypto", "key", "engine", "io"},
    "conn": {"base", "crypto", "key", "engine", "config", "io", "agent"},
    "forward": {"base", "crypto", "key", "engine", "config", "io", "agent", "conn"},
    "session": {"base", "crypto", "key", "engine", "config", "io", "agent", "conn", "forward"},
    "sftp": {"base", "crypto", "key", "engine", "config", "io", "agent", "conn", "session"},
    "scp": {"base", "crypto", "key", "engine", "config", "io", "agent", "conn", "session", "sftp"},
}
PURE = {"base", "crypto", "key", "engine", "config"}    # below io: no system calls, no clock
PURE_MAY_NOT_INCLUDE = re.compile(
    r"uv\.h|unistd\.h|fcntl\.h|poll\.h|signal\.h|netdb\.h|dirent\.h|pwd\.h|grp\.h|termios\.h|pty\.h|ucontext\.h|"
    r"sys/(?!types\.h|param\.h).*")
PURE_MAY_NOT_CALL = re.compile(
    r"\b(time|clock|clock_gettime|gettimeofday|fopen|fdopen|freopen|open|openat|getenv|setenv|system|popen|exit|abort)\s*\(")
LIBRARIES = {"openssl": {"crypto", "key"}, "zlib.h": {"engine"}, "stringprep.h": {"base"}}    # headers that only these rooms include
BANNED = re.compile(r"\b(strcpy|strcat|strncpy|strncat|sprintf|vsprintf|gets|alloca|strtok|setjmp|longjmp)\s*\(")
MALLOC = re.compile(r"\b(malloc|calloc|realloc|reallocarray|strdup|strndup|asprintf|vasprintf|free)\s*\(")
INCLUDE = re.compile(r'^\s*#\s*include\s+(<[^>]+>|"[^"]+")')

# What a rule does not hold for, and why.
EXCEPTIONS = {
    ("src/base/memory.c", "allocation"): "it is where the others go",
}


def code_of(text):
    """The text with comments and the insides of literals blanked, lines kept."""
    def blank(match):
        found = match.group(0)
        if found.startswith("/"):
            return re.sub(r"[^\n]", " ", found)
        return found[0] + " " * (len(found) - 2) + found[-1]
    return re.sub(r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', blank, text, flags=re.S)


class Checker:
    def __init__(self, project):
        self.project = project
        self.count = 0
        self.complaints = []

    def complain(self, path, line, rule, text):
        name = str(path.relative_to(self.project))
        if (name, rule) not in EXCEPTIONS:
            self.complaints.append(f"{name}:{line}: {text}")

    def check_include(self, path, line, room, name):
        quoted, header = name[0] == '"', name[1:-1]
        first = header.split("/")[0]
        if quoted and not (self.project / "src" / header).is_file():
            self.complain(path, line, "include", f'"{header}" is no file below src/')
        elif quoted and first != room and first not in MAY_INCLUDE[room]:
            self.complain(path, line, "include", f"{room} may not include {header}")
        elif not quoted and room not in LIBRARIES.get(first, {room}):
            self.complain(path, line, "include", f"{room} may not include <{header}>")
        elif not quoted and room in PURE and PURE_MAY_NOT_INCLUDE.fullmatch(header):
            self.complain(path, line, "include", f"{room} is below io and may not include <{header}>")

    def check_code(self, path, line, room, code):
        for rule, pattern, why in (
                ("call", PURE_MAY_NOT_CALL if room in PURE else None, f"{room} is below io and may not call"),
                ("banned", BANNED, "banned function:"),
                ("allocation", MALLOC, "memory comes from base/memory.h, not from")):
            found = pattern.search(code) if pattern is not None else None
            if found and not code[:found.start()].rstrip().endswith((".", "->")):
                self.complain(path, line, rule, f"{why} {found.group(1)}()")

    def check_source(self, path):
        room = path.relative_to(self.project / "src").parts[0]
        text = path.read_text(encoding="utf-8")
        self.count += 1
        if room not in MAY_INCLUDE:
            self.complain(path, 1, "room", f"src/{room} is no room that this check knows")
            return
        for number, (raw, code) in enumerate(zip(text.split("\n"), code_of(text).split("\n")), 1):
            include = INCLUDE.match(raw)
            if include:
                self.check_include(path, number, room, include.group(1))
            elif not raw.lstrip().startswith("#"):
                self.check_code(path, number, room, code)

    def check_user(self, path):
        """Programs outside the library know its public headers and nothing of src/."""
        self.count += 1
        for number, raw in enumerate(path.read_text(encoding="utf-8").split("\n"), 1):
            include = INCLUDE.match(raw)
            if include and re.match(r'"(%s)/' % "|".join(MAY_INCLUDE), include.group(1)):
                self.complain(path, number, "include", f"a program may not include {include.group(1)}")


def main():
    project = pathlib.Path(sys.argv[1]).resolve()
    checker = Checker(project)
    for path in sorted(project.glob("src/*/**/*.[ch]")):
        checker.check_source(path)
    for folder in ("tools", "examples"):
        for path in sorted(project.glob(f"{folder}/**/*.[ch]")):
            checker.check_user(path)
    print("\n".join(checker.complaints))
    print(f"{checker.count} files, {len(checker.complaints)} complaints")
    return 1 if checker.complaints or checker.count == 0 else 0


sys.exit(main())

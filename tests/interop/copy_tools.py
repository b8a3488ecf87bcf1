"""What the tests of `sshio sftp` and `sshio scp` share: both programs, ours and OpenSSH's, with the same configuration."""

import os
import re

from harness import HOST, clean_environment, find_built, find_program, run
from terminal import Terminal

OURS, THEIRS = "sshio", "openssh"
EXAMPLE = ["sub/deeper/leaf", "sub/large", "plain", "with space", "quo'te\"", "st*r", "[x]", "ü", "zero"]


class Tools:
    """Of one server, whose alias is "host"; they run in the folder `here`, and see nothing of the user's home."""

    def __init__(self, server, here):
        self.server, self.here = server, here
        self.config = here / "config"
        self.config.write_text(f"Host host\n  Hostname {HOST}\n  Port {server.port}\n  User {server.user}\n"
                               f"  IdentityFile {server.identity.path}\n  UserKnownHostsFile {server.known_hosts}\n"
                               f"  GlobalKnownHostsFile /dev/null\n")

    def argv(self, whose, tool, *words):
        program = [find_built("tools/sshio"), tool] if whose == OURS else [find_program(tool)]
        return [*program, "-F", self.config, *words]

    def env(self):
        return clean_environment(HOME=str(self.here))

    def run(self, whose, tool, *words, input=b"", seconds=60):
        result = run(self.argv(whose, tool, *words), input=input, env=self.env(), cwd=self.here, seconds=seconds)
        assert b"Sanitizer" not in result.err, result
        return result

    def sftp(self, *words, **more):
        return self.run(OURS, "sftp", *words, **more)

    def scp(self, *words, **more):
        return self.run(OURS, "scp", *words, **more)

    def batch(self, whose, *lines, options=()):
        """Lines of a batch as stdin."""
        return self.run(whose, "sftp", *options, "-b", "-", "host", input="".join(line + "\n" for line in lines).encode())

    def terminal(self, tool, *words, **more):
        return Terminal([str(word) for word in self.argv(OURS, tool, *words)], env=self.env(), **more)


def make_example(top):
    """Files with names that need quotes, of several modes and times."""
    (top / "sub" / "deeper").mkdir(parents=True)
    (top / "sub" / "empty").mkdir()
    for name in EXAMPLE:
        (top / name).write_bytes(b"" if name == "zero" else name.encode() * (40000 if name == "sub/large" else 3))
        (top / name).chmod(0o644)
    (top / "plain").chmod(0o604)
    (top / "ü").chmod(0o755)
    for folder in (top, *(path for path in top.rglob("*") if path.is_dir())):
        folder.chmod(0o755)
    for name in ("plain", "sub/deeper/leaf"):
        os.utime(top / name, (1000000000, 1100000000))
    return top


def modes(top):
    """The permissions of all that is in a tree."""
    return {str(path.relative_to(top)): oct(path.lstat().st_mode) for path in top.rglob("*")}


def times(top):
    """When files were changed, in seconds."""
    return {str(path.relative_to(top)): int(path.lstat().st_mtime) for path in top.rglob("*") if path.is_file()}


def said(text):
    """What a program said, but for the carriage returns that OpenSSH's have."""
    return re.sub(rb"\r\n", b"\n", text).decode()


SFTP_SERVER = "/usr/lib/openssh/sftp-server"


def recorder(folder):
    """A program in the place of ssh that notes how it was called, and fails."""
    path = folder / "recorder"
    path.write_text(f"#!/bin/sh\nfor word; do printf '%s\\n' \"$word\"; done > {folder}/words\nexit 7\n")
    path.chmod(0o755)
    return path


def words_of(tools, whose, tool, *words):
    """What a tool calls another program with, and its own status."""
    program = recorder(tools.here)
    result = tools.run(whose, tool, "-S", program, *words)
    return (tools.here / "words").read_text().splitlines(), result.status


def other_ssh(tools, whose):
    """The program of -S: theirs, or a script that is ours."""
    if whose == THEIRS:
        return str(find_program("ssh"))
    script = tools.here / "our-ssh"
    script.write_text(f"#!/bin/sh\nexec {find_built('tools/sshio')} ssh \"$@\"\n")
    script.chmod(0o755)
    return str(script)

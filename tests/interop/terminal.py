"""A terminal with a program on it, driven as a person would: typing, reading, resizing the window."""

import fcntl
import os
import pty
import re
import select
import struct
import termios
import time

from harness import clean_environment

SECONDS = 30


class Terminal:
    """A program on a terminal of ours, like a person's."""

    def __init__(self, argv, rows=24, columns=80, term="xterm", env=None):
        self.text = b""
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            self.fd = 0
            self.resize(rows, columns)
            os.execve(argv[0], [str(word) for word in argv], {**(env or clean_environment()), "TERM": term})

    def resize(self, rows, columns):
        fcntl.ioctl(self.fd, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def type(self, text):
        os.write(self.fd, text)

    def expect(self, pattern):
        """Reads until the pattern was there; what follows stays."""
        deadline = time.monotonic() + SECONDS
        while not (found := re.search(pattern, self.text)):
            assert select.select([self.fd], [], [], max(0, deadline - time.monotonic()))[0], self.text
            self.text += self.read()
        self.text = self.text[found.end():]
        return found

    def read(self):
        try:
            data = os.read(self.fd, 65536)
        except OSError:
            data = b""
        assert data, self.text
        return data

    def status(self):
        try:
            while os.read(self.fd, 65536):
                pass
        except OSError:
            pass
        os.close(self.fd)
        return os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])

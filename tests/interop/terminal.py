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
PIXELS = (3, 4)


class Terminal:
    """A program on a terminal of ours, like a person's."""

    def __init__(self, argv, rows=24, columns=80, term="xterm", env=None):
        self.text = b""    # not taken by expect yet
        self.everything = b""
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            self.fd = 0
            self.resize(rows, columns)
            os.execve(argv[0], [str(word) for word in argv], {**(env or clean_environment()), "TERM": term})

    def resize(self, rows, columns):
        fcntl.ioctl(self.fd, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, *PIXELS))

    def type(self, text):
        os.write(self.fd, text)

    @property
    def shown(self):
        return self.everything.decode()

    def expect(self, pattern):
        """Reads until the pattern was there; what follows stays."""
        deadline = time.monotonic() + SECONDS
        while not (found := re.search(pattern, self.text)):
            self.read(deadline)
        self.text = self.text[found.end():]
        return found

    def wait_for(self, pattern):
        """Reads until the pattern, a text, is in what was shown since the start."""
        deadline = time.monotonic() + SECONDS
        while not re.search(pattern, self.shown):
            self.read(deadline)
        return self

    def read(self, deadline):
        assert select.select([self.fd], [], [], max(0, deadline - time.monotonic()))[0], self.everything
        try:
            data = os.read(self.fd, 65536)
        except OSError:
            data = b""
        assert data, self.everything
        self.text += data
        self.everything += data

    def status(self):
        try:
            while os.read(self.fd, 65536):
                pass
        except OSError:
            pass
        os.close(self.fd)
        return os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])


SMALL = {"rows": 30, "columns": 100, "term": "vt220"}


def work_in_a_shell(person):
    """On a SMALL terminal: size and type, Ctrl-C, another size; the shell is left with status 9."""
    person.type(b"stty size; echo term=$TERM; PS1='> '\r")
    person.expect(rb"30 100\r\n")
    person.expect(rb"term=vt220\r\n")
    person.type(b"sh -c 'echo in\"\"side; exec sleep 100'\r")
    person.expect(rb"inside\r\n")
    person.type(b"\x03echo inter''rupted $?\r")
    person.expect(rb"interrupted 130\r\n")
    person.resize(50, 120)
    person.type(b"until [ \"$(stty size)\" = '50 120' ]; do :; done; echo res''ized\r")
    person.expect(rb"resized\r\n")
    person.type(b"exit 9\r")

"""A real terminal: a window of tmux with a shell in it, whose screen is read as a person sees it.

The server of tmux is one of our own, on a socket of its own; terminal.py has a terminal that shows what programs write."""

import re
import time

from harness import Daemon, clean_environment, find_program, run

ROWS, COLUMNS = 30, 100
SECONDS = 30
LOCAL = "here$ "


class Window:
    """The shell asks with LOCAL, so that a screen shows who is asked."""

    def __init__(self, folder):
        self.folder = folder
        self.socket = folder / "tmux"
        env = {**clean_environment(HOME=str(folder)), "PS1": LOCAL, "SHELL": find_program("sh")}
        self.daemon = Daemon([find_program("tmux"), "-S", self.socket, "-f", "/dev/null", "-D"], folder / "tmux.log",
                             env=env, seconds=300)
        self.daemon.wait_until(self.socket.exists, "socket of tmux", SECONDS)
        bash = f"exec {find_program('bash')} --norc --noprofile --noediting"
        self.tmux("new-session", "-d", "-x", COLUMNS, "-y", ROWS, bash)
        self.expect(re.escape(LOCAL.strip()) + r" *\Z")

    def tmux(self, *words):
        return run([find_program("tmux"), "-S", self.socket, *words]).check().out.decode()

    def type(self, text):
        self.tmux("send-keys", "-l", text)

    def press(self, *keys):
        """As tmux names them: "Enter", "C-c"."""
        self.tmux("send-keys", *keys)

    def enter(self, line):
        self.type(line)
        self.press("Enter")

    def resize(self, rows, columns):
        self.tmux("resize-window", "-x", columns, "-y", rows)

    def screen(self):
        return self.tmux("capture-pane", "-p").rstrip("\n")

    def expect(self, pattern):
        """Waits until the screen shows it."""
        deadline = time.monotonic() + SECONDS
        while not (found := re.search(pattern, screen := self.screen(), re.M)):
            assert time.monotonic() < deadline, f"no {pattern} on the screen:\n{screen}"
            time.sleep(0.02)
        return found

    @property
    def shell(self):
        """Its process id."""
        return int(self.tmux("display-message", "-p", "#{pane_pid}"))

    def close(self):
        self.tmux("kill-server")
        self.daemon.stop()

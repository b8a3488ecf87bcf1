"""How sshio-bench and OpenSSH's sftp each do one operation on files, and what both sides take for it."""

import contextlib
import json
import os
import pathlib
import subprocess
import threading
import time

from bed import LIMIT, MEBI, process_cpu

LINE_MAX = 4096
PROMPT = b"Remote working directory: "      # what sftp says to "pwd", without asking the server


class Side:
    """The processes of one side: one and all that it has started. Between two readings none of them is to end unseen."""

    def __init__(self, pid):
        self.pid = pid

    def _children(self):
        parents = {}
        for path in pathlib.Path("/proc").glob("[0-9]*/stat"):
            with contextlib.suppress(OSError):
                parents.setdefault(int(path.read_text().rsplit(")", 1)[1].split()[1]), []).append(int(path.parent.name))
        below, new = [], [self.pid]
        while new:
            new = [child for pid in new for child in parents.get(pid, [])]
            below += new
        return below

    def cpu(self):
        return sum(process_cpu(pid) for pid in [self.pid, *self._children()])

    def forget_peak(self):
        with contextlib.suppress(OSError):      # else it is that of all operations so far
            pathlib.Path(f"/proc/{self.pid}/clear_refs").write_text("5")

    def peak(self):
        """MiB at most in memory, of all processes; without a listener that only waits for the next connection."""
        status = [pathlib.Path(f"/proc/{pid}/status").read_text() for pid in self._children() or [self.pid]]
        return sum(int(text.split("VmHWM:")[1].split()[0]) for text in status) * 1024 / MEBI

    def wait_alone(self):
        """sshd ends the processes of a session a moment after its client has gone."""
        end = time.monotonic() + 20
        while self._children():
            if time.monotonic() > end:
                raise SystemExit(f"process {self.pid} keeps its children")
            time.sleep(0.005)


class Program:
    """A client that is told what to do by its stdin."""

    def __init__(self, argv, log):
        self._log = log
        with open(log, "wb") as errors:
            self.child = subprocess.Popen([str(word) for word in argv], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors)
        self._watchdog = threading.Timer(LIMIT, self.child.kill)
        self._watchdog.start()

    def read_to(self, mark):
        """What comes up to a mark, and the rest of the line that it stands in."""
        text, last = bytearray(), b""
        while mark not in last or not last.endswith(b"\n"):
            piece = os.read(self.child.stdout.fileno(), MEBI)
            if piece == b"":
                raise SystemExit(f"{self.child.args[0]} ended:\n{text.decode(errors='replace')[-2000:]}\n{pathlib.Path(self._log).read_text()[-2000:]}")
            text += piece
            last = text[-len(piece) - LINE_MAX:]
        return text

    def tell(self, text):
        os.write(self.child.stdin.fileno(), text.encode())

    def __enter__(self):
        return self

    def __exit__(self, *error):
        try:
            self.child.stdin.close()
            if self.child.wait(20) != 0 and error[0] is None:
                raise SystemExit(f"{self.child.args[0]}: status {self.child.returncode}\n{pathlib.Path(self._log).read_text()[-2000:]}")
        finally:
            self._watchdog.cancel()
            self.child.kill()
            self.child.stdout.close()


def run_sshio(bench, server, suite, words, looks):
    """looks() is called while the client and its session are still there; its result, the seconds, and how many entries there were."""
    with Program(bench.sshio_client(server, suite, "--hold", *words), bench.folder / "client.log") as program:
        line = json.loads(program.read_to(b"\n"))
        return looks(program), line["seconds"], line.get("entries")


def run_sftp(bench, server, suite, words, looks):
    command = {"sftp-get": "get -r", "sftp-put": "put -r", "sftp-list": "ls -1f"}[words[0]]
    with Program(bench.sftp_client(server, suite), bench.folder / "client.log") as program:
        program.tell("pwd\n")
        program.read_to(PROMPT)
        start = time.perf_counter()
        program.tell(" ".join([command, *map(str, words[1:])]) + "\npwd\n")
        text = program.read_to(PROMPT)
        seconds = time.perf_counter() - start
        return looks(program), seconds, text.count(b"\n") - 3      # the two commands, and the answer to pwd


CLIENTS = {"sshio": run_sshio, "openssh": run_sftp}


def operate(bench, client, server, way, suite, words):
    """One operation with a connection of its own: seconds, and of both sides CPU seconds and MiB; logging in is in the CPU."""
    side = Side(bench.servers[server].child.pid)
    side.wait_alone()
    side.forget_peak()
    before = side.cpu()

    def looks(program):
        near = Side(program.child.pid)
        return {"client_cpu": near.cpu(), "server_cpu": side.cpu() - before, "client_peak": near.peak(), "server_peak": side.peak()}

    used, seconds, entries = CLIENTS[client](bench, way, suite, words, looks)
    return {"seconds": seconds, **used}, entries

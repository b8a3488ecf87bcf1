"""Running other programs: limits, waiting, ending; keys, ports, and what is installed.

Nothing here waits for a fixed time. A server is ready when its port accepts a connection or when it has printed the
line we wait for. Every program runs under a time limit and a limit on the size of files it can write, and is ended
by its own process id.
"""

import hashlib
import os
import pathlib
import re
import resource
import shutil
import socket
import subprocess
import tempfile
import time

import pytest

HOST = "127.0.0.1"
MEBI = 1 << 20
DEEP = os.environ.get("SSHIO_DEEP") == "1"    # everything, at full size
# Freed memory counts at once, not when a sanitizer lets go of it.
FRANK = {"ASAN_OPTIONS": os.environ.get("ASAN_OPTIONS", "") + ":quarantine_size_mb=0:thread_local_quarantine_size_kb=0"}
FILE_LIMIT = 1 << 30
HERE = pathlib.Path(__file__).resolve().parent
TOP = HERE.parent.parent
PYTHON = "/usr/bin/python3"


def missing(reason):
    """A peer that is not there: a skip for a developer, a failure where all peers are required."""
    if os.environ.get("SSHIO_REQUIRE_PEERS") == "1":
        pytest.fail("required peer is missing: " + reason)
    pytest.skip(reason)


def find_program(name, *, why=None):
    """The path of an installed program; daemons live where an ordinary PATH does not look."""
    path = shutil.which(name, path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin")
    if path is None:
        missing(f"{name} is not installed" + (f" ({why})" if why else ""))
    return path


def build_folder():
    """Where sshio was built: SSHIO_BUILD, else build-asan or build beside the sources."""
    if "SSHIO_BUILD" in os.environ:
        return pathlib.Path(os.environ["SSHIO_BUILD"]).resolve()
    for name in ("build-asan", "build"):
        if (TOP / name / "build.ninja").exists():
            return TOP / name
    return TOP / "build"


def find_built(*names):
    """The first of several places in the build folder where a program may lie."""
    for name in names:
        path = build_folder() / name
        if os.access(path, os.X_OK):
            return str(path)
    pytest.skip(f"{names[0]} is not built in {build_folder()}")


def clean_environment(**more):
    """No agent, no askpass, no locale, and nothing else of the user that could decide a test."""
    kept = {name: os.environ[name] for name in ("PATH", "TMPDIR", "ASAN_OPTIONS", "UBSAN_OPTIONS", "LSAN_OPTIONS")
            if name in os.environ}
    return {**kept, "HOME": os.environ.get("HOME", "/"), "LC_ALL": "C.UTF-8", **more}


def limit_child():
    resource.setrlimit(resource.RLIMIT_FSIZE, (FILE_LIMIT, FILE_LIMIT))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def under_limits(argv, seconds):
    """timeout(1) stays in charge even when the test run itself is killed."""
    return [find_program("timeout"), "--kill-after=5", str(seconds), *map(str, argv)]


class Result:
    """What a finished program left: exit status and its two outputs."""

    def __init__(self, argv, status, out, err):
        self.argv, self.status, self.out, self.err = argv, status, out, err

    def __repr__(self):
        words = " ".join(map(str, self.argv))
        return f"<{words}: status {self.status}, out {self.out[-500:]!r}, err {self.err[-2500:]!r}>"

    def check(self):
        assert self.status == 0, self
        return self


def run(argv, *, input=b"", stdin_file=None, stdout_file=None, seconds=60, env=None, cwd=None):
    """Runs a program to its end; input comes from memory or a file, output goes to memory or a file."""
    stdin = open(stdin_file, "rb") if stdin_file else None
    stdout = open(stdout_file, "wb") if stdout_file else subprocess.PIPE
    try:
        with subprocess.Popen(under_limits(argv, seconds), stdin=stdin or subprocess.PIPE, stdout=stdout,
                              stderr=subprocess.PIPE, env=env or clean_environment(), cwd=cwd,
                              preexec_fn=limit_child) as child:
            out, err = child.communicate(None if stdin else input)
    finally:
        for file in (stdin, stdout_file and stdout):
            if file:
                file.close()
    assert child.returncode != 124, f"{argv} took longer than {seconds} s; err {err[-2500:]!r}"
    return Result(argv, child.returncode, out or b"", err)


MEASURE = """import resource, subprocess, sys
status = subprocess.call(sys.argv[2:])
open(sys.argv[1], "w").write(str(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss))
sys.exit(status if status >= 0 else 128 - status)
"""


def run_measured(argv, **more):
    """The same, and how many KiB the largest of its processes had at its peak."""
    with tempfile.NamedTemporaryFile() as file:
        result = run([PYTHON, "-c", MEASURE, file.name, *map(str, argv)], **more)
        return result, int(file.read())


class Daemon:
    """A program in the background whose output goes to a log file."""

    def __init__(self, argv, log, *, seconds=3600, env=None, cwd=None, stdin=subprocess.DEVNULL):
        self.argv, self.log = argv, pathlib.Path(log)
        with open(self.log, "wb") as output:
            self.child = subprocess.Popen(under_limits(argv, seconds), stdin=stdin, stdout=output,
                                          stderr=subprocess.STDOUT, env=env or clean_environment(), cwd=cwd,
                                          preexec_fn=limit_child)

    def text(self):
        return self.log.read_text(errors="replace")

    def wait_until(self, ready, what, seconds):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            value = ready()
            if value:
                return value
            if self.child.poll() is not None:
                raise AssertionError(f"{self.argv} ended before {what}:\n{self.text()[-3000:]}")
            time.sleep(0.01)
        self.stop()
        raise AssertionError(f"{self.argv}: no {what} within {seconds} s:\n{self.text()[-3000:]}")

    def wait_for_port(self, port, seconds=30):
        self.wait_until(lambda: accepts(port), f"listening on port {port}", seconds)
        return self

    def wait_for_line(self, pattern, seconds=30):
        return self.wait_until(lambda: re.search(pattern, self.text(), re.MULTILINE), f"line {pattern!r}", seconds)

    def stop(self):
        """Ends it by its own pid (timeout passes the signal on); returns the exit status."""
        if self.child.poll() is None:
            self.child.terminate()
            try:
                self.child.wait(10)
            except subprocess.TimeoutExpired:
                self.child.kill()
                self.child.wait()
        return self.child.returncode


def child_of(pid):
    """The first child of a process: of timeout(1), the program that it watches."""
    return int(pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split()[0])


def accepts(port):
    try:
        with socket.create_connection((HOST, port), timeout=1):
            return True
    except OSError:
        return False


def free_port():
    """A port that nobody has now. For servers that cannot choose one themselves."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return probe.getsockname()[1]


def sha256_of(path):
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        while block := file.read(MEBI):
            digest.update(block)
    return digest.hexdigest()


class KeyFile:
    """A key pair made by ssh-keygen, of a type and, behind a minus, a size: "ecdsa-384"."""

    def __init__(self, folder, name, kind="ed25519"):
        self.path = pathlib.Path(folder) / name
        kind, _, bits = kind.partition("-")
        run([find_program("ssh-keygen"), "-q", "-t", kind, *(["-b", bits] if bits else []), "-N", "", "-C", name, "-f",
             self.path]).check()
        self.public_line = self.path.with_suffix(".pub").read_text().strip()

    def fingerprint(self):
        line = run([find_program("ssh-keygen"), "-l", "-f", self.path]).check().out.decode()
        return line.split()[1]


def known_hosts_line(port, public_line):
    return f"[{HOST}]:{port} " + " ".join(public_line.split()[:2]) + "\n"

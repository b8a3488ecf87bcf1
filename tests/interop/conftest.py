"""Fixtures: keys, a file of random bytes, and the servers, each started once for all tests that use it."""

import os
import pathlib
import shutil
import sys
import tempfile
import zlib

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

import clients  # noqa: E402
import servers  # noqa: E402
from harness import DEEP, MEBI, KeyFile, sha256_of  # noqa: E402
from raw_bed import Bed  # noqa: E402

BULK = 100 * MEBI
MATRIX_SHARE = 6
UNMOUNTED = pytest.StashKey[int]()    # how many tests the kernel has no FUSE for


def pytest_configure(config):
    config.addinivalue_line("markers", "needs(attribute): for those servers or clients only that have it")
    config.addinivalue_line("markers", "matrix: of many cases alike, every sixth runs; with SSHIO_DEEP=1 all of them")
    config.addinivalue_line("markers", "deep: takes long, and runs with SSHIO_DEEP=1 alone")
    config.addinivalue_line("markers", "fuse: mounts a folder; where the kernel has no FUSE it is taken out, and the last lines say so")


def has_fuse():
    """A kernel or a container without it is no missing package: nothing that the tests could ask for would bring it."""
    try:
        os.close(os.open("/dev/fuse", os.O_RDWR))
    except OSError:
        return False
    return True


def pytest_terminal_summary(terminalreporter, config):
    unmounted = config.stash.get(UNMOUNTED, 0)
    if unmounted:
        terminalreporter.write_line(f"{unmounted} tests with sshfs were taken out: /dev/fuse cannot be opened here")


def pytest_collection_modifyitems(config, items):
    """What a peer cannot do is no test of it: such cases are taken out, so that a skip always means that something is missing."""
    def applies(item):
        marker = item.get_closest_marker("needs")
        parameters = item.callspec.params if hasattr(item, "callspec") else {}
        kinds = [parameters[name] for name in ("server", "client") if name in parameters]
        return marker is None or all(getattr(kind, marker.args[0]) for kind in kinds)

    def chosen(item):
        """By the sum of its name: the same share each time, spread over all peers and algorithms."""
        if DEEP:
            return True
        of_matrix = item.get_closest_marker("matrix") is not None
        return not (item.get_closest_marker("deep") or of_matrix and zlib.crc32(item.name.encode()) % MATRIX_SHARE != 0)

    kept = [item for item in items if applies(item) and chosen(item)]
    if not has_fuse():
        mounted = [item for item in kept if item.get_closest_marker("fuse") is None]
        config.stash[UNMOUNTED] = len(kept) - len(mounted)
        kept = mounted
    config.hook.pytest_deselected(items=[item for item in items if item not in kept])
    items[:] = kept


class DataFile:
    """Random bytes in a file that every account can read, and their SHA-256."""

    def __init__(self, path, size):
        self.path, self.size = path, size
        with open(path, "wb") as file:
            for _ in range(0, size, MEBI):
                file.write(os.urandom(MEBI))
        path.chmod(0o644)
        self.sha256 = sha256_of(path)

    def __str__(self):
        return str(self.path)


@pytest.fixture(scope="session")
def workshop():
    """A temporary folder that other accounts may enter, removed at the end."""
    folder = pathlib.Path(tempfile.mkdtemp(prefix="sshio-interop-"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def bulk(workshop):
    return DataFile(workshop / "bulk", BULK)


@pytest.fixture(scope="session")
def identity(workshop):
    return KeyFile(workshop, "user_key")


@pytest.fixture(scope="session")
def account():
    """Whom commands run as on servers that start real shells."""
    chosen = servers.TestAccount() if os.getuid() == 0 else servers.OwnAccount()
    yield chosen
    chosen.remove()


class Park:
    """Starts a server when the first test asks for it, and ends all of them at the end of the run."""

    def __init__(self, workshop, identity, bulk, account):
        self._workshop, self._arguments = workshop, (identity, bulk, account)
        self._running = {}

    def get(self, kind):
        if kind not in self._running:
            assert kind.name not in [other.name for other in self._running], f"two kinds of servers are called {kind.name}"
            folder = self._workshop / f"server-{kind.name}"
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir()
            self._running[kind] = kind(folder, *self._arguments)
        return self._running[kind]

    def stop(self):
        for server in self._running.values():
            server.stop()


@pytest.fixture(scope="session")
def park(workshop, identity, bulk, account):
    everything = Park(workshop, identity, bulk, account)
    yield everything
    everything.stop()


@pytest.fixture(scope="session", params=servers.PLAIN, ids=[kind.name for kind in servers.PLAIN])
def server(request, park):
    """Each server of another project in turn."""
    return park.get(request.param)


@pytest.fixture(scope="session")
def openssh_server(park):
    return park.get(servers.OpenSSH)


@pytest.fixture(scope="session")
def sshio_server(park):
    return park.get(servers.Sshio)


@pytest.fixture
def bed(sshio_server):
    """Our server for a hostile peer; afterwards it must still serve others."""
    made = Bed(sshio_server)
    yield made
    made.check_serves()


@pytest.fixture
def target(park):
    """The same with passwords as well."""
    made = Bed(park.get(servers.SshioAuth))
    yield made
    made.check_serves()


@pytest.fixture
def sshio(tmp_path):
    """Our own client."""
    return clients.Sshio(tmp_path)


@pytest.fixture(params=clients.ALL, ids=[kind.name for kind in clients.ALL])
def client(request, tmp_path):
    """Each client of another project in turn."""
    return request.param(tmp_path)

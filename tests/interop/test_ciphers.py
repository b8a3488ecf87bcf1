"""Every cipher and MAC that a peer shares with us, and compression: a login, 1 MiB there and back, key exchanges on the way.

We name the cipher and the MAC; the peer offers all that it has. CIPHERS and MACS say what that is.
"""

import functools

import pytest

import clients
import servers
from harness import MEBI

pytestmark = pytest.mark.matrix

AEAD = ["chacha20-poly1305@openssh.com", "aes256-gcm@openssh.com", "aes128-gcm@openssh.com"]
CTR = ["aes256-ctr", "aes192-ctr", "aes128-ctr"]
SHA2 = ["hmac-sha2-256", "hmac-sha2-512"]
SHA2_ETM = [name + "-etm@openssh.com" for name in SHA2]
SHA1 = ["hmac-sha1"]
SHA1_ETM = ["hmac-sha1-etm@openssh.com"]
ALL_MACS = SHA2 + SHA2_ETM + SHA1 + SHA1_ETM

# peer: ciphers that need a MAC, MACs, AEAD ciphers
PEERS = {
    "openssh": (CTR, ALL_MACS, AEAD),
    "dropbear": (["aes256-ctr", "aes128-ctr"], ["hmac-sha2-256", "hmac-sha1"], AEAD[:1]),
    "putty": (CTR, ["hmac-sha2-256", "hmac-sha2-256-etm@openssh.com"] + SHA1 + SHA1_ETM, AEAD),
    "go": (CTR, ["hmac-sha2-256", "hmac-sha2-256-etm@openssh.com"] + SHA1, [AEAD[0], AEAD[2]]),
    "libssh": (CTR, SHA2 + SHA2_ETM, AEAD),
    "asyncssh": (CTR, ALL_MACS, AEAD),
    "erlang": (CTR, ALL_MACS, AEAD),
    "paramiko": (CTR, SHA2 + SHA2_ETM + SHA1, []),
    "libssh2": (CTR, SHA2 + SHA1, []),
}
SERVERS = [servers.OpenSSH, servers.Dropbear, servers.AsyncSSH, servers.Go, servers.Erlang, servers.Paramiko]
CLIENTS = [*clients.ALL, clients.Libssh2, clients.Paramiko]
SLOW_CLIENTS = [clients.AsyncSSH, clients.Paramiko]

REKEY_BYTES = 400 * 1024


def suites(kind):
    """(cipher, MAC) pairs; MAC None beside AEAD. Clients that take long to start see every cipher and every MAC once."""
    ciphers, macs, aead = PEERS[kind.name]
    pairs = [(cipher, mac) for cipher in ciphers for mac in macs]
    if kind in SLOW_CLIENTS:
        pairs = [(ciphers[i % len(ciphers)], macs[i % len(macs)]) for i in range(max(len(ciphers), len(macs)))]
    return [(cipher, None) for cipher in aead] + pairs


def cases(kinds):
    return [pytest.param(kind, cipher, mac, id="-".join([kind.name, cipher.split("@")[0], (mac or "").split("@")[0]]).strip("-"))
            for kind in kinds for cipher, mac in suites(kind)]


def options(cipher=None, mac=None, *more):
    words = [f"RekeyLimit={REKEY_BYTES}", *([f"Ciphers={cipher}"] if cipher else []), *([f"MACs={mac}"] if mac else []), *more]
    return [word for text in words for word in ("-o", text)]


def sshio_client(folder, more):
    client = clients.Sshio(folder)
    client.path = [*client.path, *more]
    return client


@functools.cache
def sshio_with(name, *more):
    return type("SshioWith", (servers.Sshio,), {"name": f"sshio-{name}", "options": more})


@pytest.fixture(scope="module")
def mebibyte(bulk, workshop):
    """Half of it repeats itself, so that compression has something to do."""
    path = workshop / "mebibyte"
    with open(bulk.path, "rb") as file:
        path.write_bytes(file.read(MEBI // 2) + b"the same again.\n" * (MEBI // 32))
    return path


def there_and_back(client, server, data, folder):
    copy = folder / "copy"
    result = client.run(server, server.command("cat"), stdin_file=data, stdout_file=copy)
    assert result.status == 0 and copy.read_bytes() == data.read_bytes(), (result, server.log()[-2000:])
    return result


@pytest.mark.parametrize("kind, cipher, mac", cases(SERVERS))
def test_client_speaks_suite(kind, cipher, mac, park, mebibyte, tmp_path):
    there_and_back(sshio_client(tmp_path, options(cipher, mac)), park.get(kind), mebibyte, tmp_path)


@pytest.mark.parametrize("kind, cipher, mac", cases(CLIENTS))
def test_server_speaks_suite(kind, cipher, mac, park, mebibyte, tmp_path):
    server = park.get(sshio_with(f"{cipher}-{mac}", *options(cipher, mac)))
    there_and_back(kind(tmp_path), server, mebibyte, tmp_path)


# ---- compression ----

class CompressingOpenSSH(clients.OpenSSH):
    def options(self, server, rekey=None):
        return ["-C", *super().options(server, rekey)]


class CompressingPlink(clients.Plink):
    more = ["-C"]


class CompressingAsyncSSH(clients.AsyncSSH):
    more = ["--compression", "zlib@openssh.com"]


class CompressingLibssh2(clients.Libssh2):
    compression = 1


class CompressingDbclient(clients.Dbclient):
    """It asks for compression by itself."""


COMPRESSING = [CompressingOpenSSH, CompressingPlink, CompressingAsyncSSH, CompressingLibssh2, CompressingDbclient]
CHOSEN = "compression zlib@openssh.com"


@pytest.mark.parametrize("kind", [servers.OpenSSH, servers.Dropbear, servers.AsyncSSH], ids=lambda kind: kind.name)
@pytest.mark.parametrize("cipher, mac", [(AEAD[0], None), ("aes128-ctr", "hmac-sha2-256")])
def test_client_compresses(kind, cipher, mac, park, mebibyte, tmp_path):
    client = sshio_client(tmp_path, ["-C", *options(cipher, mac, "LogLevel=DEBUG2")])
    result = there_and_back(client, park.get(kind), mebibyte, tmp_path)
    assert result.err.decode().count(CHOSEN) >= 4, result    # two directions, in two exchanges at least


@pytest.mark.parametrize("kind", COMPRESSING, ids=lambda kind: kind.name)
def test_server_compresses(kind, park, mebibyte, tmp_path):
    server = park.get(sshio_with("compressing", *options(None, ",".join(ALL_MACS), "Compression=yes", "LogLevel=DEBUG2")))
    before = len(server.log())
    there_and_back(kind(tmp_path), server, mebibyte, tmp_path)
    assert server.log()[before:].count(CHOSEN) >= 4, server.log()[before:][-3000:]

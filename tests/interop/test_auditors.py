"""What programs that look for weaknesses say about our server as it is: ssh-audit, and nmap's scripts."""

import json
import re
import xml.etree.ElementTree as xml

import pytest

import servers
from harness import HOST, KeyFile, find_built, find_program, run

# What `sshio sshd -T` calls the lists that go over the wire.
KEYWORDS = {"kex": "kexalgorithms", "enc": "ciphers", "mac": "macs"}
MARKERS = {"ext-info-s", "kex-strict-s-v00@openssh.com"}    # no algorithms, but in their list


@pytest.fixture(params=["ed25519", "rsa-3072"])
def server(request, park):
    kind = servers.Sshio if request.param == "ed25519" else servers.with_host_key(servers.Sshio, request.param)
    return park.get(kind)


@pytest.fixture
def defaults(tmp_path):
    """The lists of a server that was told nothing."""
    key, config = KeyFile(tmp_path, "some_key").path, tmp_path / "empty"
    config.touch()
    shown = run([find_built("tools/sshio"), "sshd", "-T", "-f", config, "-h", key]).check().out.decode()
    values = dict(line.split(" ", 1) for line in shown.splitlines() if " " in line)
    return {name: values[keyword].split(",") for name, keyword in KEYWORDS.items()}


def audit(server, *options):
    result = run([find_program("ssh-audit"), "-n", "-p", server.port, *options, HOST])
    assert result.status in (0, 2, 3), result    # 2: warnings, 3: failures
    return result.out.decode()


def test_ssh_audit_finds_no_weakness(server):
    """What it does not know is no weakness: it is older than strict key exchange."""
    found = re.findall(r"^.*\[(?:fail|warn)\] .*", audit(server), re.MULTILINE)
    assert [line for line in found if not line.endswith("[warn] unknown algorithm")] == []


def test_ssh_audit_sees_the_defaults(server, defaults):
    seen = json.loads(audit(server, "-j"))
    names = [row["algorithm"] for row in seen["kex"]]
    assert [name for name in names if name not in MARKERS] == defaults["kex"]
    assert MARKERS <= set(names)
    assert (seen["enc"], seen["mac"]) == (defaults["enc"], defaults["mac"])
    assert seen["compression"] == ["none", "zlib@openssh.com"]
    assert not {"ssh-rsa", "ssh-dss"} & {row["algorithm"] for row in seen["key"]}
    assert (seen["banner"]["protocol"], seen["banner"]["software"].split("_")[0]) == ([2, 0], "sshio")


def test_ssh_audit_is_refused_small_groups(server):
    """It asks for ever smaller groups of a DH group exchange, and gets 2048 bits or nothing. (RFC 8270)"""
    rows = {row["algorithm"]: row for row in json.loads(audit(server, "-j"))["kex"]}
    assert rows["diffie-hellman-group-exchange-sha256"]["keysize"] >= 2048


def test_nmap_sees_the_defaults_and_no_protocol_1(server, defaults):
    argv = [find_program("nmap"), "-n", "-Pn", "-p", server.port, "--script", "+ssh2-enum-algos,+sshv1", "-oX", "-", HOST]
    scripts = {script.get("id"): script for script in xml.fromstring(run(argv).check().out).iter("script")}
    tables = {table.get("key"): [elem.text for elem in table] for table in scripts["ssh2-enum-algos"].iter("table")}
    assert [name for name in tables["kex_algorithms"] if name not in MARKERS] == defaults["kex"]
    assert (tables["encryption_algorithms"], tables["mac_algorithms"]) == (defaults["enc"], defaults["mac"])
    assert "sshv1" not in scripts    # which says something only where protocol 1 is spoken

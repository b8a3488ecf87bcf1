"""Key files, both ways: what we write ssh-keygen reads, what it writes we read, and both see the same key."""

import os
import stat

import pytest

from harness import find_built, find_program, run

COMMENTS = ["", "user@host", "two words  and more", "\u00e4\u20ac"]
HASHES = ["md5", "sha1", "sha256", "sha384", "sha512"]


def key_tool(*words):
    return run([find_built("tests/interop/key_tool"), *words])


def ssh_keygen(*words):
    return run([find_program("ssh-keygen"), *words])


def their_fingerprint(path, hash_name):
    return ssh_keygen("-l", "-E", hash_name, "-f", path).check().out.split()[1]


@pytest.fixture(params=COMMENTS, ids=["none", "plain", "words", "utf8"])
def their_key(request, tmp_path):
    path = tmp_path / "theirs"
    ssh_keygen("-q", "-t", "ed25519", "-N", "", "-C", request.param, "-f", path).check()
    return path


@pytest.mark.parametrize("comment", COMMENTS, ids=["none", "plain", "words", "utf8"])
def test_ssh_keygen_reads_our_files(tmp_path, comment):
    path = tmp_path / "ours"
    key_tool("generate", path, comment).check()
    assert stat.S_IMODE(os.stat(path).st_mode) == 0o600
    public = (tmp_path / "ours.pub").read_bytes()
    assert ssh_keygen("-y", "-f", path).check().out == public
    assert public.decode().split(" ", 2)[2:] == ([comment + "\n"] if comment else [])


def test_we_read_files_of_ssh_keygen(their_key):
    public = their_key.with_suffix(".pub").read_bytes()
    assert key_tool("show", their_key).check().out.rstrip() == public.rstrip()


def test_rewritten_key_is_the_same_key(their_key, tmp_path):
    path = tmp_path / "again"
    key_tool("rewrite", their_key, path).check()
    assert ssh_keygen("-y", "-f", path).check().out == ssh_keygen("-y", "-f", their_key).check().out


@pytest.mark.parametrize("hash_name", HASHES)
def test_fingerprints_agree(tmp_path, hash_name):
    path = tmp_path / "ours"
    key_tool("generate", path, "x").check()
    for name in (path, tmp_path / "ours.pub"):
        assert key_tool("fingerprint", name, hash_name).check().out.split()[0] == their_fingerprint(name, hash_name)


def test_encrypted_key_is_refused_with_the_reason(tmp_path):
    path = tmp_path / "locked"
    ssh_keygen("-q", "-t", "ed25519", "-N", "secret", "-f", path).check()
    refused = key_tool("show", path)
    assert refused.status == 1
    assert b"encrypted" in refused.err and str(path).encode() in refused.err
    assert key_tool("fingerprint", path, "sha256").check().out.split()[0] == their_fingerprint(path, "sha256")

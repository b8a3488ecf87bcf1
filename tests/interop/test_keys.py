"""Key files, both ways: what we write ssh-keygen reads, what it writes we read, and both see the same key."""

import os
import stat

import pytest

from harness import find_built, find_program, run

pytestmark = pytest.mark.matrix

COMMENTS = {"none": "", "plain": "user@host", "words": "two words  and more", "utf8": "\u00e4\u20ac"}
HASHES = ["md5", "sha1", "sha256", "sha384", "sha512"]
FORMATS = ["openssh", "pkcs8-pem"]
OUR_NAMES = {"ed25519": "ssh-ed25519", "rsa": "ssh-rsa"}

# Types and sizes as ssh-keygen has them. 1024 bits are read, but not made.
MADE_BY_BOTH = [("ed25519", 256), ("ecdsa", 256), ("ecdsa", 384), ("ecdsa", 521), ("rsa", 2048), ("rsa", 3072),
                ("rsa", 4096)]
MADE_BY_THEM = [*MADE_BY_BOTH, ("rsa", 1024)]


def name_of(kind):
    return f"{kind[0]}-{kind[1]}"


def key_tool(*words):
    return run([find_built("tests/interop/key_tool"), *words])


def ssh_keygen(*words):
    return run([find_program("ssh-keygen"), *words])


def our_key(path, kind, *, comment="", form="openssh"):
    name, bits = kind
    our_name = OUR_NAMES.get(name, f"ecdsa-sha2-nistp{bits}")
    key_tool("generate", path, comment, our_name, bits if name == "rsa" else 0, form).check()
    return path


def their_key(path, kind, *, comment="", form="openssh", passphrase=""):
    """ssh-keygen writes Ed25519 keys in its own form only; PEM is what it calls the older forms of the others."""
    flag = {"openssh": [], "pkcs8-pem": ["-m", "PKCS8"], "pem": ["-m", "PEM"]}[form]
    if kind[0] == "ed25519" and form == "pkcs8-pem":
        run([find_program("openssl"), "genpkey", "-algorithm", "ed25519", "-out", path]).check()
        return path
    ssh_keygen("-q", "-t", kind[0], "-b", kind[1], "-N", passphrase, "-C", comment, *flag, "-f", path).check()
    return path


def their_fingerprint(path, hash_name):
    return ssh_keygen("-l", "-E", hash_name, "-f", path).check().out.split()[1]


def first_words(line):
    return line.split()[:2]


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("kind", MADE_BY_BOTH, ids=name_of)
def test_ssh_keygen_reads_our_files(tmp_path, kind, form):
    """OpenSSH reads Ed25519 in PKCS#8 from 9.6 on; openssl stands in for it."""
    path = our_key(tmp_path / "ours", kind, form=form)
    public = (tmp_path / "ours.pub").read_bytes()
    assert stat.S_IMODE(os.stat(path).st_mode) == 0o600
    if kind[0] == "ed25519" and form != "openssh":
        theirs = run([find_program("openssl"), "pkey", "-in", path, "-pubout"]).check().out
        assert key_tool("export", path, form).check().out == theirs
        return
    assert first_words(ssh_keygen("-y", "-f", path).check().out) == first_words(public)
    assert str(kind[1]).encode() == ssh_keygen("-l", "-f", path).check().out.split()[0]


@pytest.mark.parametrize("comment", COMMENTS.values(), ids=COMMENTS)
def test_ssh_keygen_reads_our_comments(tmp_path, comment):
    path = our_key(tmp_path / "ours", ("ed25519", 256), comment=comment)
    public = (tmp_path / "ours.pub").read_bytes()
    assert ssh_keygen("-y", "-f", path).check().out == public
    assert public.decode().split(" ", 2)[2:] == ([comment + "\n"] if comment else [])


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("kind", MADE_BY_THEM, ids=name_of)
def test_we_read_files_of_ssh_keygen(tmp_path, kind, form):
    path = their_key(tmp_path / "theirs", kind, form=form)
    shown = key_tool("show", path).check().out
    if (tmp_path / "theirs.pub").exists():
        assert first_words(shown) == first_words((tmp_path / "theirs.pub").read_bytes())
    else:
        theirs = run([find_program("openssl"), "pkey", "-in", path, "-pubout"]).check().out
        assert key_tool("export", path, form).check().out == theirs


@pytest.mark.parametrize("comment", COMMENTS.values(), ids=COMMENTS)
def test_we_read_comments_of_ssh_keygen(tmp_path, comment):
    path = their_key(tmp_path / "theirs", ("rsa", 1024), comment=comment)
    assert key_tool("show", path).check().out.rstrip() == (tmp_path / "theirs.pub").read_bytes().rstrip()


@pytest.mark.parametrize("form", [*FORMATS, "pkcs8-der"])
@pytest.mark.parametrize("kind", MADE_BY_THEM, ids=name_of)
def test_rewritten_key_is_the_same_key(tmp_path, kind, form):
    theirs, again, back = their_key(tmp_path / "theirs", kind), tmp_path / "again", tmp_path / "back"
    key_tool("rewrite", theirs, again, form).check()
    key_tool("rewrite", again, back, "openssh").check()
    assert first_words(ssh_keygen("-y", "-f", back).check().out) == \
        first_words(ssh_keygen("-y", "-f", theirs).check().out)


@pytest.mark.parametrize("kind", [kind for kind in MADE_BY_THEM if kind[0] != "ed25519"], ids=name_of)
def test_public_keys_in_pkcs8_are_the_same(tmp_path, kind):
    path = their_key(tmp_path / "theirs", kind)
    theirs = ssh_keygen("-e", "-m", "PKCS8", "-f", path).check().out
    assert key_tool("export", path, "pkcs8-pem").check().out == theirs
    (tmp_path / "block").write_bytes(theirs)
    assert first_words(key_tool("show-public", tmp_path / "block").check().out) == \
        first_words((tmp_path / "theirs.pub").read_bytes())


@pytest.mark.parametrize("kind, hash_name", [
    *[(("ed25519", 256), hash_name) for hash_name in HASHES], (("ecdsa", 521), "sha256"), (("rsa", 2048), "sha256"),
])
def test_fingerprints_agree(tmp_path, kind, hash_name):
    path = our_key(tmp_path / "ours", kind, comment="x")
    for name in (path, tmp_path / "ours.pub"):
        assert key_tool("fingerprint", name, hash_name).check().out.split()[0] == their_fingerprint(name, hash_name)


def test_encrypted_key_is_refused_with_the_reason(tmp_path):
    path = their_key(tmp_path / "locked", ("rsa", 2048), passphrase="secret")
    refused = key_tool("show", path)
    assert refused.status == 1
    assert b"encrypted" in refused.err and str(path).encode() in refused.err
    assert key_tool("fingerprint", path, "sha256").check().out.split()[0] == their_fingerprint(path, "sha256")


@pytest.mark.parametrize("kind, form, passphrase, named", [
    (("rsa", 2048), "pem", "", b"PKCS#1"),
    (("rsa", 2048), "pem", "secret", b"PKCS#1"),
    (("ecdsa", 256), "pem", "", b"SEC 1"),
    (("rsa", 2048), "pkcs8-pem", "secret", b"encrypted PKCS#8"),
], ids=["rsa-pem", "rsa-pem-encrypted", "ecdsa-pem", "pkcs8-encrypted"])
def test_other_forms_are_refused_by_name(tmp_path, kind, form, passphrase, named):
    path = their_key(tmp_path / "theirs", kind, form=form, passphrase=passphrase)
    refused = key_tool("show", path)
    assert refused.status == 1
    assert named in refused.err and str(path).encode() in refused.err


def test_putty_key_is_refused_by_name(tmp_path):
    path = their_key(tmp_path / "theirs", ("rsa", 2048))
    run([find_program("puttygen", why="putty-tools"), path, "-o", tmp_path / "key.ppk"]).check()
    refused = key_tool("show", tmp_path / "key.ppk")
    assert refused.status == 1 and b"PPK" in refused.err

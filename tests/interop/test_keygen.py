"""`sshio keygen` beside ssh-keygen: the same files, words, exit statuses and output; each reads what the other writes."""

import os
import shutil

import pytest

from harness import find_built, find_program, run

TYPES = [("ed25519", None), ("ecdsa", 256), ("ecdsa", 384), ("ecdsa", 521), ("rsa", 2048)]
FINDS = ["alpha", "10.0.0.1", "ALPHA", "beta", "[beta]:2222", "gamma", "x.w", "x.ca", "out.w", "nobody"]

HASHED_FINDS = [host for host in FINDS if host.islower()]    # they do not know that letter case means nothing here


def ours(*words, **more):
    return run([find_built("tools/sshio"), "keygen", *words], **more)


def theirs(*words, **more):
    return run([find_program("ssh-keygen"), *words], **more)


def said(result):
    """Status, output and complaints; they end lines of complaint as terminals want it."""
    return result.status, result.out, result.err.replace(b"\r\n", b"\n")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("keygen")
    for name, kind in (("ed", "ed25519"), ("ec", "ecdsa")):
        theirs("-q", "-t", kind, "-N", "", "-C", f"comment of {name}", "-f", folder / name).check()
    ed, ec = ((folder / f"{name}.pub").read_text().strip() for name in ("ed", "ec"))
    bare = " ".join(ec.split()[:2])
    (folder / "hosts").write_text(f"# comment\n\nalpha,10.0.0.1 {ed}\n[beta]:2222 {bare}\n@revoked gamma {bare}\n"
                                  f"*.w,!out.w {bare}\n@cert-authority *.ca {bare}\n")
    (folder / "text").write_text("nothing of this is a key\n")
    return folder


@pytest.mark.parametrize("host", FINDS)
@pytest.mark.parametrize("flags", [[], ["-l"], ["-q"]], ids=["plain", "list", "quiet"])
def test_find_prints_what_ssh_keygen_prints(folder, host, flags):
    words = [*flags, "-F", host, "-f", folder / "hosts"]
    assert said(ours(*words)) == said(theirs(*words))


@pytest.mark.parametrize("words", [
    ["-l", "-f", "ed"], ["-l", "-f", "ed.pub"], ["-l", "-E", "md5", "-f", "ec"], ["-l", "-f", "hosts"], ["-y", "-f", "ed"],
    ["-y", "-f", "none"], ["-l", "-f", "none"], ["-l", "-f", "text"], ["-F", "a", "-f", "none"], ["-R", "a", "-f", "none"],
    ["-H", "-f", "none"], ["-t", "foo", "-N", "", "-f", "x"], ["-t", "ecdsa", "-b", "100", "-N", "", "-f", "x"]], ids=" ".join)
def test_output_and_status_are_ssh_keygen_s(folder, words):
    link = folder / "ssh-keygen"
    if not link.exists():
        link.symlink_to(os.path.abspath(find_built("tools/sshio")))
    assert said(run([link, *words], cwd=folder)) == said(theirs(*words, cwd=folder))


@pytest.mark.parametrize("host", ["alpha", "[beta]:2222", "gamma", "x.w", "x.ca", "nobody"])
def test_remove_leaves_what_ssh_keygen_leaves(folder, tmp_path, host):
    results = []
    for tool in (ours, theirs):
        path = tmp_path / "hosts"
        shutil.copy(folder / "hosts", path)
        results.append((said(tool("-R", host, "-f", path)), path.read_bytes()))
    assert results[0] == results[1]


def test_hashed_file_is_read_by_both(folder, tmp_path):
    path = tmp_path / "hosts"
    shutil.copy(folder / "hosts", path)
    result = ours("-H", "-f", path).check()
    assert result.out == f"{path} updated.\nOriginal contents retained as {path}.old\n".encode()
    assert (tmp_path / "hosts.old").read_bytes() == (folder / "hosts").read_bytes()
    text = path.read_text()
    assert "alpha" not in text and "beta" not in text and text.count("|1|") == 3
    for host in HASHED_FINDS:
        assert said(ours("-F", host, "-f", path)) == said(theirs("-F", host, "-f", path)), host
    assert theirs("-F", "[beta]:2222", "-f", path).status == 0
    theirs("-R", "10.0.0.1", "-f", path).check()
    assert ours("-F", "10.0.0.1", "-f", path).status == 1


def test_file_hashed_by_ssh_keygen_is_read(folder, tmp_path):
    path = tmp_path / "hosts"
    shutil.copy(folder / "hosts", path)
    theirs("-H", "-f", path).check()
    for host in HASHED_FINDS:
        assert said(ours("-F", host, "-f", path)) == said(theirs("-F", host, "-f", path)), host


@pytest.mark.parametrize("kind", TYPES, ids=lambda kind: f"{kind[0]}-{kind[1]}")
def test_ssh_keygen_reads_our_keys(tmp_path, kind):
    name, bits = kind
    path = tmp_path / "key"
    size = ["-b", str(bits)] if bits else []
    result = ours("-t", name, *size, "-N", "", "-C", "a comment", "-f", path).check()
    assert result.out.startswith(f"Generating public/private {name} key pair.\n".encode())
    assert os.stat(path).st_mode & 0o777 == 0o600
    assert theirs("-y", "-f", path).check().out == (tmp_path / "key.pub").read_bytes()
    shown = theirs("-l", "-f", path).check().out
    assert ours("-l", "-f", path).check().out == shown and b"a comment" in shown
    assert shown.split()[1] in result.out


def test_existing_key_is_kept_unless_told_otherwise(folder, tmp_path):
    path = tmp_path / "key"
    words = ["-t", "ed25519", "-N", "", "-f", path]
    ours("-q", *words).check()
    before = path.read_bytes()
    result = ours(*words, input=b"")
    assert result.status == 1 and b"already exists.\nOverwrite (y/n)? " in result.out and path.read_bytes() == before
    ours(*words, input=b"y\n").check()
    assert path.read_bytes() != before

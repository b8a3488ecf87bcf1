"""Our SFTP client with the servers of others, in each version that they have."""

import hashlib
import os
import pwd
import stat

import pytest

import servers
from harness import HERE, PYTHON, find_program, run
from raw_sftp import BAD_MESSAGE, OP_UNSUPPORTED, SETSTAT, RawSftp, text, u32
from sftp_talk import Client, Cutter, escape, make_tree, open_place, picture, start, unescape

DEEP = os.environ.get("SSHIO_DEEP") == "1"
VERSIONS = (3, 4, 5, 6)
ALWAYS = [(servers.OpenSSH, 3), (servers.Paramiko, 3), (servers.AsyncSSHSftp, 6), (servers.Gesftp, 4), (servers.Proftpd, 5),
          (servers.Go, 3), (servers.LibsshSftp, 3), (servers.SshioSftp, 3), (servers.SshioSftp, 6)]
OTHERS = [(kind, version) for kind in (servers.AsyncSSHSftp, servers.Gesftp, servers.Proftpd, servers.SshioSftp)
          for version in VERSIONS if (kind, version) not in ALWAYS]
PEERS = [*ALWAYS, *(pytest.param(pair, marks=pytest.mark.matrix) for pair in OTHERS)]
FULL = [(servers.OpenSSH, 3), (servers.SshioSftp, 6), (servers.AsyncSSHSftp, 6), (servers.Gesftp, 4), (servers.Proftpd, 5)]


def names(pair):
    return f"{pair[0].name}-v{pair[1]}"


@pytest.fixture(params=PEERS, ids=names)
def peer(request, park):
    kind, version = request.param
    return Client(park.get(kind), version)


@pytest.fixture(params=FULL, ids=names)
def some(request, park):
    """Fewer of them, for what takes longer."""
    kind, version = request.param
    return Client(park.get(kind), version)


@pytest.fixture
def openssh(openssh_server):
    return Client(openssh_server, 3)


@pytest.fixture
def place(workshop, request):
    return open_place(workshop, "place")


# ---- the session ----

def test_version_is_negotiated_and_limits_are_taken(peer):
    info = peer.check("info")
    assert int(info.value("version")) == peer.version
    if peer.server.name == "openssh":
        assert (info.value("packet"), info.value("read"), info.value("write")) == ("262144", "261120", "261120")
        assert info.value("copy") == "1"


def test_lower_version_of_the_server_is_taken(park):
    assert Client(park.get(servers.OpenSSH), 6).check("info").value("version") == "3"


def test_calls_after_exit_fail_and_the_channel_closes(openssh):
    answers = openssh.run(["exit"], ["stat", "/"], ["get", "/etc/hostname", "/dev/null/x"])
    assert [answers[0].ok, answers[1].code, answers[2].code] == [True, "SFTP_NO_CONNECTION", "SFTP_NO_CONNECTION"]


# ---- names and attributes ----

def test_files_are_made_moved_and_removed(peer, place):
    one, two, folder = place / "one", place / "two", place / "folder"
    answers = peer.run(["write", one, "w", "hello"], ["read", one, "r"], ["exists", one], ["exists", two],
                       ["rename", one, two], ["isfile", two], ["mkdir", folder], ["isdir", folder], ["list", folder],
                       ["rename", two, folder / "three"], ["getsize", folder / "three"], ["rmdir", folder],
                       ["unlink", folder / "three"], ["rmdir", folder], ["lexists", folder])
    said = [answer.partition(" ")[2] if answer.ok else answer.code for answer in answers]
    assert said[:8] == ["", "hello", "1", "0", "", "1", "", "1"], answers
    assert set(said[8].split()) <= {".", ".."} and said[9:11] == ["", "5"]
    assert said[11] in ("SFTP_FAILURE", "SFTP_DIR_NOT_EMPTY"), answers
    assert said[12:] == ["", "", "0"] and os.listdir(place) == []


def test_what_is_not_there_is_told_with_its_path(peer, place):
    for command in (["stat", place / "nothing"], ["remove", place / "nothing"], ["list", place / "nothing"],
                    ["read", place / "nothing", "r"], ["get", place / "nothing", place / "x"]):
        answer = peer.one(*command)
        assert answer.code == "SFTP_NO_SUCH_FILE" and str(place / "nothing") in answer, answer


def test_rename_does_not_replace_unless_it_is_told_to(peer, place):
    one, two = place / "one", place / "two"
    for path in (one, two):
        peer.check("write", path, "w", path.name)
    if peer.server.name not in ("asyncssh-sftp", "proftpd", "go"):    # those replace it
        assert not peer.one("rename", one, two).ok and two.read_text() == "two"
    answer = peer.one("posix_rename", one, two)
    if answer.code == "SFTP_OP_UNSUPPORTED":
        assert peer.version < 5
    else:
        assert answer.ok and two.read_text() == "one" and not one.exists(), answer


def test_links(peer, place):
    file, symbolic, hard = place / "file", place / "symbolic", place / "hard"
    peer.check("write", file, "w", "content")
    answers = peer.run(["symlink", "file", symbolic], ["readlink", symbolic], ["islink", symbolic], ["isfile", symbolic],
                       ["link", file, hard])
    if peer.server.name == "proftpd":
        assert answers[0].ok and os.readlink(symbolic) in ("file", "/root/file")    # it has its own idea of texts, and of
        return                                                                      # what LSTAT is
    assert answers[0].ok and os.readlink(symbolic) == "file"    # the order of the arguments is what differs
    assert [answer.words() for answer in answers[1:4]] == [["file"], ["1"], ["1"]]
    if answers[4].code == "SFTP_OP_UNSUPPORTED":
        assert peer.server.name in ("paramiko", "gesftp", "proftpd"), answers[4]
    else:
        assert answers[4].ok and hard.stat().st_ino == file.stat().st_ino


def test_attributes_are_set_and_read(peer, place):
    file = place / "file"
    peer.check("write", file, "w", "123456")
    peer.check("chmod", file, "0640")
    peer.check("truncate", file, "3")
    peer.check("utime", file, "1000000000123456789", "1100000000987654321")
    found = file.stat()
    assert (stat.S_IMODE(found.st_mode), found.st_size) == (0o640, 3)
    assert found.st_mtime_ns // 10**9 == 1100000000
    if peer.server.name == "proftpd" and peer.version >= 4:
        return    # it leaves the other time alone
    assert found.st_atime_ns // 10**9 == 1000000000
    if peer.server.name == "asyncssh-sftp" and peer.version >= 4:
        assert found.st_mtime_ns == 1100000000987654321
    at, mt, at_ns, mt_ns, *_ = peer.check("times", file).words()
    assert peer.server.name == "go" or float(at) // 1 == 1000000000    # which tells one time for both
    assert float(mt) // 1 == 1100000000
    answer = peer.check("stat", file)
    assert (answer.value("type"), answer.value("size"), answer.value("mode")) == ("1", "3", "640")
    if os.getuid() == 0 and peer.server.user == "root":
        if peer.version == 3:
            peer.check("chown", file, "1", "2")
            assert peer.one("chown_names", file, "bin", "daemon").code == "INVAL"
        else:
            peer.check("chown_names", file, "daemon", "bin")
            assert "owner=daemon group=bin" in peer.check("stat", file)
        assert (file.stat().st_uid, file.stat().st_gid) == (1, 2)


def test_bits_are_two_words_in_version_6(park, place):
    """Spec 5.5.1 and 5.19, row 8: gesftpserver, which cannot set them, reads as many as we send. With one it finds the packet too short;
    in version 5 it takes both for good. (What Erlang writes in version 5 is in the unit tests.)"""
    file = place / "file"
    file.touch()
    file.chmod(0o666)
    for version in (5, 6):
        assert Client(park.get(servers.Gesftp), version).one("set_bits", file, "0640", "0x80").code == "SFTP_OP_UNSUPPORTED"
    with RawSftp([find_program("/usr/libexec/gesftpserver", why="gesftpserver")], version=6) as session:
        for bits, expected in ((u32(0x80), BAD_MESSAGE), (u32(0x80) * 2, OP_UNSUPPORTED)):
            assert session.status(SETSTAT, text(file) + u32(0x204) + b"\1" + u32(0o600) + bits) == expected


def test_times_before_1970(park, place):
    """They are signed from version 4 on; version 3 has no way to say them."""
    file = place / "old"
    file.touch()
    os.utime(file, (-1000, -2000))
    assert Client(park.get(servers.Gesftp), 6).check("times", file).words()[3] == "-2000000000000"
    assert Client(park.get(servers.OpenSSH), 3).one("utime", file, str(2**64 - 10**12), "0").code == "INVAL"


def test_real_paths(peer, place):
    (place / "folder").mkdir()
    real = os.path.realpath(place)
    assert unescape(peer.check("realpath", f"{place}/folder/../folder/.").words()[0]).decode() == f"{real}/folder"
    if peer.server.name == "proftpd" and peer.version == 6:
        return    # it does not look at the paths that follow
    answer = peer.one("realpath", place, "3", "folder")
    assert answer.ok and answer.words()[0] == f"{real}/folder" and answer.value("type") == "2", answer
    assert not peer.one("realpath", place, "3", "missing").ok
    assert peer.check("realpath", place, "2", "folder", "..", "folder").words()[0] == f"{real}/folder"


def test_working_directory(peer, place):
    (place / "folder").mkdir()
    (place / "folder").chmod(0o777)
    answers = peer.run(["chdir", place / "folder"], ["getcwd"], ["write", "here", "w", "x"], ["chdir", ".."], ["exists", "folder/here"],
                       ["get", "folder/here", place / "copy"])
    assert [answer.ok for answer in answers] == [True] * 6, answers
    assert answers[1].words()[0] == os.path.realpath(place / "folder") and answers[4].words() == ["1"]
    assert (place / "folder" / "here").read_text() == "x" == (place / "copy").read_text()


def test_file_system_is_told(openssh, place):
    frsize, blocks, namemax = map(int, openssh.check("statvfs", place).words())
    found = os.statvfs(place)
    assert (frsize, blocks, namemax) == (found.f_frsize, found.f_blocks, found.f_namemax)
    (place / "file").touch()
    assert int(openssh.check("file_statvfs", place / "file").words()[0]) == found.f_blocks


def test_attributes_of_links(openssh, place):
    openssh.run(["write", place / "file", "w", ""], ["symlink", "file", place / "link"])
    openssh.check("utime", place / "link", "5000000000", "6000000000", "nofollow")
    assert os.lstat(place / "link").st_mtime == 6 and os.stat(place / "link").st_mtime > 10**9


# ---- open files ----

MODES = {"r": "123456789", "r+": "123456789", "a": "123456789", "a+": "123456789", "w": "", "w+": ""}


@pytest.mark.parametrize("mode", MODES)
def test_modes_of_opening(peer, place, mode):
    file = place / "file"
    file.write_text("123456789")
    file.chmod(0o666)
    answer = peer.one("write", file, mode, "ab")
    if mode == "r":
        assert not answer.ok and file.read_text() == "123456789"
        return
    assert answer.ok, answer
    added = "ab3456789" if peer.server.name == "go" else "123456789ab"    # it has no files that are appended to
    expected = {"r+": "ab3456789", "a": added, "a+": added, "w": "ab", "w+": "ab"}[mode]
    assert file.read_text() == expected


def test_exclusive_opening(peer, place):
    tries = [(place / first, mode, first) for first in ("xb", "x+") for mode in (first, "x", "x+")]
    answers = peer.run(*(["write", path, mode, "content"] for path, mode, _ in tries), ["write", place / "other", "q", "x"])
    assert [answer.ok for answer in answers] == [True, False, False] * 2 + [False], answers
    assert {answer.code for answer in answers[:6]} <= {"", "SFTP_FAILURE", "SFTP_FILE_ALREADY_EXISTS", "SFTP_NO_SUCH_FILE"}, answers
    assert answers[6].code == "INVAL" and sorted(os.listdir(place)) == ["x+", "xb"]
    assert (place / "xb").read_text() == (place / "x+").read_text() == "content"


@pytest.mark.parametrize("version", VERSIONS)
def test_open_files_are_with_us_as_with_asyncssh(park, place, version):
    """Spec 5.19, row 45: a script of AsyncSSH's client sees the same on its own server and on ours: each mode, positions, appending."""
    seen = []
    for kind in (servers.AsyncSSHSftp, servers.SshioSftp):
        server, folder = park.get(kind), place / kind.name
        folder.mkdir()
        folder.chmod(0o777)
        seen.append(run([PYTHON, "-W", "ignore", HERE / "peers" / "asyncssh_modes.py", "--port", server.port, "--user", server.user,
                         "--identity", server.identity.path, "--known-hosts", server.known_hosts, "--folder", folder, "--version",
                         version]).check().out.decode().splitlines())
    theirs, ours = seen
    assert theirs == [line.replace("SFTPInvalidHandle", "SFTPFailure") for line in ours]    # EBADF has a word of its own with us
    assert len(theirs) > 60 and theirs[-1] == "done"


def test_positions(peer, place):
    file = place / "file"
    file.write_text("0123456789")
    file.chmod(0o666)
    assert peer.check("positions", file).words() == ["6", "8", "9", "1"]
    assert file.read_text() == "!1234"
    assert peer.check("pread", file, "2", "100").words() == ["3", "234"]
    assert peer.one("pread", file, "5", "1").code == "EOF"


def test_attributes_of_open_files(peer, place):
    peer.check("write", place / "file", "w", "x")
    answer = peer.check("file_attrs", place / "file")
    assert answer.value("mode") == "640" and answer.value("mtime").split(".")[0] == "2", answer


def test_what_only_some_servers_have(peer, place):
    """fsync, locks, the words of versions 5 and 6: they work, or are refused in words."""
    peer.check("write", place / "file", "w", "x")
    codes = [peer.one(*command).code for command in (["fsync", place / "file"], ["open56", place / "file", "0x81", "2"])]
    if peer.server.name != "proftpd":    # which ends the session
        locked = peer.one("lock", place / "file").code
        assert locked in (("", "SFTP_OP_UNSUPPORTED") if peer.version == 6 else ("SFTP_OP_UNSUPPORTED",)), locked
    assert codes[0] in ("", "SFTP_OP_UNSUPPORTED"), codes
    assert codes[1] == ("" if peer.version >= 5 else "SFTP_OP_UNSUPPORTED"), codes


# Disposition, what happens to a file that is there and to one that is not, and what is left of four bytes. (draft -13 section 8.1.1.3)
DISPOSITIONS = [(0, "SFTP_FILE_ALREADY_EXISTS", "", 4), (1, "", "", 0), (2, "", "SFTP_NO_SUCH_FILE", 4), (3, "", "", 4),
                (4, "", "SFTP_NO_SUCH_FILE", 0)]


def test_dispositions_of_open56(peer, place):
    """Spec 5.19, row 46. In versions 3 and 4 nothing is sent."""
    there, commands = place / "there", []
    for disposition in range(len(DISPOSITIONS)):
        commands += [["write", there, "w", "data"], ["open56", there, "0x102", disposition], ["getsize", there],
                     ["open56", place / f"missing{disposition}", "0x102", disposition]]
    answers = peer.run(*commands)
    for (disposition, on_there, on_missing, left), (_, *codes) in zip(DISPOSITIONS, zip(*[iter(answers)] * 4)):
        if peer.version < 5:
            on_there = on_missing = "SFTP_OP_UNSUPPORTED"
        assert (codes[0].code, codes[2].code) == (on_there, on_missing), (disposition, codes)
        assert codes[1].words() == [str(left if peer.version >= 5 else 4)], (disposition, codes)
        assert (place / f"missing{disposition}").exists() == (on_missing == "")


def test_bits_of_open56_that_are_none(peer, place):
    """Access and flags that nobody knows are refused, as a parameter where the version has a word for that; the file stays as it was."""
    file = place / "file"
    file.write_text("data")
    file.chmod(0o666)
    expected = "SFTP_OP_UNSUPPORTED" if peer.version < 5 else "SFTP_FAILURE" if peer.version == 5 else "SFTP_INVALID_PARAMETER"
    tries = (("0x10000001", "2"), ("0x102", "7"), ("0x102", "0x10002"))
    for answer in peer.run(*(["open56", file, *words] for words in tries)):
        others = ("", "SFTP_OP_UNSUPPORTED") if peer.server.name != "sshio-sftp" else ()    # which take some of them, or have other words
        assert answer.code in (expected, *others), answer
    assert file.read_text() == "data"


def test_blocks_arrive_in_parallel(peer, place):
    data = os.urandom(700001)
    (place / "file").write_bytes(data)
    count, total = peer.check("parallel", place / "file").words()
    assert int(count) == len(data)
    assert int(total) == sum(at % 65521 * byte for at, byte in enumerate(data))


@pytest.mark.parametrize("block", [262144, 1 << 20])
def test_larger_blocks_than_the_server_takes(peer, place, tmp_path, block):
    """Row 23 of spec 5.19: OpenSSH ends a session on packets of more than 256 KiB."""
    if peer.server.name == "libssh-sftp":
        return    # it tells no limits, and ends a session that asks for 256 KiB at a time
    data = os.urandom(1500001)
    (tmp_path / "file").write_bytes(data)
    answers = peer.run(["put", tmp_path / "file", place / "file", "S", block], ["get", place / "file", tmp_path / "back", "S", block])
    assert all(answer.ok for answer in answers), answers
    assert (place / "file").read_bytes() == data == (tmp_path / "back").read_bytes()


def test_homes_and_names_of_accounts(peer):
    """Row 51 of spec 5.19: what OpenSSH's and our server know by extensions, and what every server does without."""
    user = pwd.getpwnam(peer.server.user)
    own, below, other, home, names, unknown = peer.run(
        ["expand", "~"], ["expand", "~/.."], ["expand", "~root"], ["home", "root"],
        ["owners", 0, user.pw_uid, 54321, "-", 0, 54321], ["home", "nobody-of-that-name"])
    assert own.ok and below.ok, (own, below)
    assert below.words() == [os.path.dirname(own.words()[0])]
    supported = peer.server.name == "openssh" or peer.server.name.startswith("sshio")
    if not supported:
        return
    assert own.words() == [user.pw_dir] and other.words() == ["/root"], (own, other)
    assert names.words() == ["[root]", f"[{user.pw_name}]", "[]", "[root]", "[]"], names
    if peer.server.name != "openssh":  # version 9.2 tells one's own, whoever is asked for
        assert home.words() == ["/root"] and not unknown.ok, (home, unknown)


# ---- directories ----

def test_directories_with_all_that_is_above_them(peer, place):
    deep = place / "a" / "b" / "c"
    answers = peer.run(["makedirs", f"{place}/a//b/c/"], ["makedirs", deep], ["makedirs", deep, "ok"])
    assert answers[0].ok and deep.is_dir() and not answers[1].ok and answers[2].ok, answers
    assert "already exists" in answers[1]
    (place / "file").touch()
    assert not peer.one("makedirs", place / "file" / "x").ok


def say(child, words):
    child.stdin.write(b"\t".join(map(escape, words)) + b"\n")
    child.stdin.flush()


@pytest.mark.parametrize("kind, version", [(servers.OpenSSH, 3), (servers.SshioSftp, 6)], ids=["openssh", "sshio"])
def test_directories_that_others_make_at_the_same_time(park, place, kind, version):
    """Spec 5.9.6: whoever comes second to any of them goes on."""
    deep = [["makedirs", "/".join([str(place), f"tree{number}", *"abcdefghij"]), "ok"] for number in range(30)]
    several = [start(Client(park.get(kind), version)) for _ in range(4)]
    for child in several:    # all are there before any begins
        say(child, ["exists", place])
        assert child.stdout.readline() == b"ok 1\n"
    for child in several:
        child.stdin.write(b"".join(b"\t".join(map(escape, words)) + b"\n" for words in deep))
        child.stdin.flush()
    assert [child.communicate(timeout=60)[0].splitlines() for child in several] == [[b"ok"] * len(deep)] * len(several)
    assert all(os.path.isdir(words[1]) for words in deep)


def test_directories_where_nobody_may_make_any(openssh, place):
    if openssh.server.user == "root":
        pytest.skip("root may make them anywhere")
    (place / "closed" / "open").mkdir(parents=True)
    (place / "closed" / "open").chmod(0o777)
    (place / "closed").chmod(0o555)
    answers = openssh.run(["makedirs", place / "closed" / "open" / "a" / "b"], ["makedirs", place / "closed" / "a" / "b"],
                          ["makedirs", place / "closed" / "a", "ok"])
    assert answers[0].ok and (place / "closed" / "open" / "a" / "b").is_dir()
    assert answers[1].code in ("SFTP_NO_SUCH_FILE", "SFTP_PERMISSION_DENIED") and answers[2].code == "SFTP_PERMISSION_DENIED", answers
    assert os.listdir(place / "closed") == ["open"]


def test_large_tree_is_removed(openssh, place):
    """Spec 5.19, row 41: ten thousand entries, side by side; fewer of them normally."""
    top = place / "top"
    for number in range(100 if DEEP else 12):
        folder = top / f"d{number % 10}" / f"d{number}"
        folder.mkdir(parents=True)
        for name in range(100):
            (folder / f"f{name}").touch()
    for folder, _, _ in os.walk(top):
        os.chmod(folder, 0o777)
    openssh.check("rmtree", top, seconds=300)
    assert os.listdir(place) == []


def test_trees_are_removed_and_links_are_not_followed(peer, place):
    kept = place / "kept"
    kept.mkdir()
    (kept / "file").touch()
    top = place / "top"
    peer.check("mkdir", top)
    make_tree_by(peer, top)
    peer.check("symlink", kept, top / "link")
    peer.check("rmtree", top)
    assert not top.exists() and (kept / "file").exists()
    if peer.server.name != "proftpd":    # LSTAT follows there
        os.symlink(kept, place / "toplink")
        assert peer.one("rmtree", place / "toplink").code == "SFTP_NO_SUCH_FILE" and (kept / "file").exists()
    assert peer.one("rmtree", place / "nothing").code == "SFTP_NO_SUCH_FILE"
    assert "[scandir]" in peer.check("rmtree", place / "nothing", "tell") or peer.check("rmtree", place / "nothing", "ignore").ok


def make_tree_for(client, top):
    """Without what this server has no way to name, or to say."""
    tree = make_tree(top)
    name, version = client.server.name, client.version
    if name == "paramiko" or (name in ("asyncssh-sftp", "gesftp", "proftpd") and version > 3):
        os.remove(os.path.join(os.fsencode(tree), b"\xff\xfe"))
    if name == "gesftp" and version > 3:
        os.remove(tree / "ü")    # it would need a locale
    if name == "proftpd":
        for link in ("link", "dangling", "folderlink"):
            os.remove(tree / link)
    return tree


def make_tree_by(client, top):
    """As the server's account, so that it may remove it."""
    commands = [["mkdir", top / f"d{i}"] for i in range(3)]
    commands += [["write", top / f"d{i}" / f"f{j}", "w", "x"] for i in range(3) for j in range(30)]
    assert all(answer.ok for answer in client.run(*commands))


ENTRIES = 100000 if DEEP else 3000


def test_large_directory_is_listed_and_can_be_left(openssh, place):
    for number in range(ENTRIES):
        (place / f"file{number}").touch()
    assert openssh.check("count", place, seconds=300).words() == [str(ENTRIES + 2)]
    assert openssh.check("count", place, "5").words() == ["5"]
    listed = {unescape(name) for name in openssh.check("list", place, seconds=300).words()}
    assert len(listed) == ENTRIES + 2 and f"file{ENTRIES - 1}".encode() in listed


def is_open(path):
    """Whether any process has it open that we may look into: as root all of them."""
    for number in filter(str.isdigit, os.listdir("/proc")):
        try:
            for fd in os.listdir(f"/proc/{number}/fd"):
                if os.readlink(f"/proc/{number}/fd/{fd}") == str(path):
                    return True
        except OSError:
            pass
    return False


def test_listing_that_is_left_is_closed_on_the_server(some, place):
    """Spec 5.19, row 42. The session goes on: what it asks next is answered behind the CLOSE."""
    if os.getuid() != 0:
        pytest.skip("descriptors of other accounts are seen by root alone")
    for number in range(1000):
        (place / f"file{number}").touch()
    child, seen = start(some), []
    for words in (["hold", place], ["release"], ["exists", place], ["count", place, "5"], ["exists", place]):
        say(child, words)
        assert child.stdout.readline().startswith(b"ok"), words
        if words[0] != "release":
            seen.append(is_open(place))
    child.communicate()
    assert seen[0] or some.server.name in ("asyncssh-sftp", "proftpd")    # which read all of it at once
    assert seen[1] is False and seen[3] is False, seen


GLOB = {    # spec of the reference: SFTPClient.glob
    ("file*",): ["file1", "filedir"],
    ("./file*",): ["./file1", "./filedir"],
    ("file*/*2",): ["filedir/file2", "filedir/filedir2"],
    ("file*/*[3-9]",): ["filedir/file3"],
    ("**/file[12]",): ["file1", "filedir/file2"],
    ("**/file*/",): ["filedir/", "filedir/filedir2/"],
    ("filedir/**",): ["filedir", "filedir/file2", "filedir/file3", "filedir/filedir2", "filedir/filedir2/file4",
                      "filedir/filedir2/file5"],
    ("filedir/*/file4",): ["filedir/filedir2/file4"],
    ("filedir/file2",): ["filedir/file2"],
    ("file1", "**/file1"): ["file1"],
    ("filedir/file[!2]",): ["filedir/file3"],
    ("fil?1",): ["file1"],
}


@pytest.mark.parametrize("patterns", GLOB, ids=" ".join)
def test_patterns(some, place, patterns):
    (place / "filedir" / "filedir2").mkdir(parents=True)
    for name in ("file1", "filedir/file2", "filedir/file3", "filedir/filedir2/file4", "filedir/filedir2/file5"):
        (place / name).touch()
    answers = some.run(["chdir", place], ["glob", *patterns])
    assert sorted(answers[1].words()) == sorted(GLOB[patterns])
    assert answers[1].words()[0] == GLOB[patterns][0] or len(GLOB[patterns]) > 1


def test_pattern_that_matches_nothing_is_an_error(some, place):
    expected = "SFTP_NO_SUCH_FILE" if some.version == 3 else "SFTP_NO_SUCH_PATH"
    assert some.one("glob", place / "no*").code == expected


# ---- transfers ----

def test_file_there_and_back(peer, place):
    data = os.urandom(3 * 2**20 + 17)
    (place / "data").write_bytes(data)
    put = peer.check("put", place / "data", place / "there", "v").words()
    got = peer.check("get", place / "there", place / "back", "v").words()
    assert (place / "there").read_bytes() == data == (place / "back").read_bytes()
    assert put[1:] == got[1:] == [str(len(data))] * 2


def test_empty_file_and_progress(peer, place):
    (place / "empty").touch()
    (place / "data").write_bytes(bytes(100000))
    assert peer.check("get", place / "empty", place / "copy", "v").words() == ["1", "0", "0"]
    for command, source, target in (("get", "data", "copy1"), ("put", "data", "copy2")):
        assert peer.check(command, place / source, place / target, "v", "8192").words() == ["13", "100000", "100000"]


LINK_TIME = 1_234_567_890


def test_tree_there_and_back(peer, place):
    tree = make_tree_for(peer, place / "tree")
    if (tree / "link").is_symlink():
        os.utime(tree / "link", (LINK_TIME, LINK_TIME), follow_symlinks=False)
    there, back = place / "there", place / "back"
    peer.check("put", tree, there, "rp", seconds=120)
    peer.check("get", there, back, "rp", seconds=120)
    assert picture(back) == picture(there) == picture(tree)
    for name in ("mode", "plain", "sub/large", "sub"):
        for copy in (there, back):
            assert stat.S_IMODE((copy / name).stat().st_mode) == stat.S_IMODE((tree / name).stat().st_mode)
            assert abs((copy / name).stat().st_mtime - (tree / name).stat().st_mtime) < 1
    if (tree / "link").is_symlink():    # its own time, where the server can set it; here it always can be
        time_there = (there / "link").lstat().st_mtime
        assert (time_there == LINK_TIME) == (peer.server.name in ("openssh", "sshio-sftp"))
        assert abs((back / "link").lstat().st_mtime - time_there) < 1


def test_tree_is_copied_on_the_server(some, place):
    tree = make_tree_for(some, place / "tree")
    some.check("copy", tree, place / "copy", "r", seconds=120)
    assert picture(place / "copy") == picture(tree)


def test_copy_without_data_over_the_wire(openssh, place):
    (place / "data").write_bytes(os.urandom(2**20))
    assert openssh.check("copy", place / "data", place / "copy", "ov").words() == ["1", str(2**20), str(2**20)]
    assert (place / "copy").read_bytes() == (place / "data").read_bytes()
    openssh.check("remote_copy", place / "data", place / "part", "10", "100")
    assert (place / "part").read_bytes() == (place / "data").read_bytes()[10:110]
    answer = openssh.one("copy", place / "data", place / "data")
    assert answer.code == "SFTP_FAILURE" and "itself" in answer and (place / "data").stat().st_size == 2**20
    answer = openssh.one("remote_copy", place / "data", place / "part", str(2**20 - 10), str(2**20))    # spec 5.7.9: it ends too soon
    assert answer.code == "SFTP_EOF" and (place / "part").read_bytes() == (place / "data").read_bytes()[-10:], answer


@pytest.mark.parametrize("kind", [servers.OpenSSH, servers.SshioSftp], ids=lambda kind: kind.name)
def test_copy_moves_no_data_over_the_wire(park, place, kind):
    """Spec 5.19, row 30: what passes is counted, the login with it. A server without copy-data shows that counting does."""
    (place / "data").write_bytes(os.urandom(2**20))
    passed = []
    for server, flags in ((park.get(kind), "ov"), (park.get(servers.Gesftp), "v")):
        way = Cutter(server, place)
        way.cut_after(None, True)
        words = Client(way).check("copy", place / "data", place / server.name, flags).words()
        assert words[1:] == [str(2**20)] * 2 and (words[0] == "1") == (flags == "ov")
        assert (place / server.name).read_bytes() == (place / "data").read_bytes()
        passed.append(way.passed)
    assert passed[0] < 50000 and passed[1] > 2 * 2**20, passed


def test_copy_that_must_stay_on_the_server_is_refused_where_it_cannot(park, place):
    (place / "data").touch()
    assert Client(park.get(servers.Gesftp), 6).one("copy", place / "data", place / "x", "o").code == "SFTP_OP_UNSUPPORTED"
    assert not (place / "x").exists()


def test_existing_directory_is_gone_into(some, place):
    make_tree(place / "tree")
    (place / "target").mkdir()
    (place / "target").chmod(0o777)
    some.check("get", place / "tree" / "plain", place / "target")
    some.check("put", place / "tree" / "mode", place / "target")
    some.check("get", place / "tree" / "sub", place / "target", "r")
    some.check("get", f"{place}/tree/sub/deeper/", place / "target", "r")    # its contents
    assert sorted(os.listdir(place / "target")) == ["deepest", "mode", "plain", "sub"]


def test_directory_is_refused_without_being_asked_for(peer, place):
    (place / "folder").mkdir()
    expected = "SFTP_FILE_IS_A_DIRECTORY" if peer.version == 6 else "SFTP_FAILURE"
    assert peer.one("get", place / "folder", place / "x").code == expected
    assert peer.one("put", place / "folder", place / "x").code == expected


def test_links_are_followed_when_asked(some, place):
    (place / "tree").mkdir()
    (place / "tree" / "file").write_text("content")
    os.symlink("file", place / "tree" / "link")
    for command in ("get", "put", "copy"):
        some.check(command, place / "tree", place / command, "rL")
        copied = place / command / "link"
        assert not copied.is_symlink() and copied.read_text() == "content"
    os.symlink(".", place / "tree" / "loop")
    expected = "SFTP_LINK_LOOP" if some.version == 6 else "SFTP_FAILURE"
    assert some.one("get", place / "tree", place / "again", "rL").code == expected
    assert some.one("put", place / "tree", place / "again2", "rL").code == expected


def test_many_small_files(some, place):
    tree = place / "tree"
    tree.mkdir()
    for number in range(500):
        (tree / f"f{number}").write_bytes(os.urandom(number * 13))
    some.check("put", tree, place / "there", "r", seconds=120)
    some.check("get", place / "there", place / "back", "r", seconds=120)
    assert picture(place / "back") == picture(tree)


def test_errors_are_told_and_the_rest_is_copied(openssh, place):
    tree = place / "tree"
    tree.mkdir()
    for name in ("a", "b", "c"):
        (tree / name).write_text(name)
    (tree / "b").chmod(0)
    os.mkfifo(tree / "fifo")
    if openssh.server.user == "root":
        pytest.skip("root may read everything")
    answer = openssh.one("get", tree, place / "copy", "re")
    assert answer.ok and f"{tree}/b]" in answer and f"{tree}/fifo]" in answer and "SFTP_PERMISSION_DENIED" in answer
    assert sorted(os.listdir(place / "copy")) == ["a", "c"]
    assert openssh.one("get", tree, place / "copy2", "r").code in ("SFTP_PERMISSION_DENIED", "SFTP_FAILURE")


def test_several_sources_by_pattern(some, place):
    for name in ("f1", "f2", "g1"):
        (place / name).write_text(name)
    for target in ("got", "put"):
        (place / target).mkdir()
        (place / target).chmod(0o777)
    some.check("mget", place / "f*", place / "got")
    some.check("mput", place / "[fg]1", place / "put")
    assert sorted(os.listdir(place / "got")) == ["f1", "f2"] and sorted(os.listdir(place / "put")) == ["f1", "g1"]
    expected = "SFTP_NOT_A_DIRECTORY" if some.version == 6 else "SFTP_FAILURE"
    assert some.one("mget", place / "f*", place / "none").code == expected
    assert some.one("mput", place / "none*", place / "put").code in ("SFTP_NO_SUCH_FILE", "SFTP_NO_SUCH_PATH")


def test_holes_stay_holes(openssh, place):
    """A put of a file with holes writes only its data; its size stays, with the hole at the end."""
    source = place / "sparse"
    with open(source, "wb") as file:
        file.seek(3 * 2**20)
        file.write(b"middle")
        file.truncate(8 * 2**20)
    put = openssh.check("put", source, place / "there", "v").words()
    assert (place / "there").read_bytes() == source.read_bytes() and put[1:] == [str(8 * 2**20)] * 2
    assert (place / "there").stat().st_blocks * 512 < 2**20
    openssh.check("put", source, place / "full", "S")
    assert (place / "full").read_bytes() == source.read_bytes()
    openssh.check("get", place / "there", place / "back")
    assert (place / "back").read_bytes() == source.read_bytes()


def test_special_modes_do_not_come_along(openssh, place):
    (place / "tool").touch()
    (place / "tool").chmod(0o4755)
    openssh.check("get", place / "tool", place / "copy", "p")
    assert stat.S_IMODE((place / "copy").stat().st_mode) == 0o755


def test_links_in_the_way_are_not_written_through(openssh, place):
    (place / "tree").mkdir()
    (place / "tree" / "file").write_text("new")
    (place / "precious").write_text("old")
    (place / "target").mkdir()
    (place / "target" / "tree").mkdir()
    os.symlink(place / "precious", place / "target" / "tree" / "file")
    answer = openssh.one("get", place / "tree", place / "target", "r")
    assert answer.code == "SFTP_FAILURE" and "symbolic link" in answer and (place / "precious").read_text() == "old"
    os.symlink(place / "target", place / "rootlink")    # the root itself may be one
    os.remove(place / "target" / "tree" / "file")
    openssh.check("get", place / "tree", place / "rootlink", "r")
    assert (place / "target" / "tree" / "file").read_text() == "new"


def test_stopped_transfer_is_gone_on_with(some, place):
    data = os.urandom(4 * 2**20)
    (place / "data").write_bytes(data)
    for command, target in (("get", "got"), ("put", "put")):
        answer = some.one(command, place / "data", place / target, "x", "16384", str(2**20))
        assert answer.code == "CANCELED" and "stopped by the program" in answer
        assert 2**20 <= (place / target).stat().st_size < 4 * 2**20
        calls, last, total = map(int, some.check(command, place / "data", place / target, "cv", "16384").words())
        assert (place / target).read_bytes() == data and last == total == len(data) and calls < 250


def test_going_on_with_another_file_starts_anew(openssh, place):
    data = os.urandom(2**20)
    (place / "data").write_bytes(data)
    (place / "other").write_bytes(bytes(2**19))
    (place / "longer").write_bytes(bytes(2**21))
    for target in ("other", "longer"):
        (place / target).chmod(0o666)
        for command in ("get", "put"):
            openssh.check(command, place / "data", place / target, "c")
            assert (place / target).read_bytes() == data


def test_whole_file_or_none(some, place):
    """atomic: nobody sees a part of it, and no part stays when it fails."""
    data = os.urandom(2**20)
    (place / "data").write_bytes(data)
    for command, target in (("get", "got"), ("put", "put")):
        (place / target).write_text("before")
        (place / target).chmod(0o666)
        assert some.one(command, place / "data", place / target, "ax", "16384", "100000").code == "CANCELED"
        assert (place / target).read_text() == "before"
        some.check(command, place / "data", place / target, "a")
        assert (place / target).read_bytes() == data
    assert sorted(os.listdir(place)) == ["data", "got", "put"]


# ---- servers with peculiarities ----

def test_short_replies_are_asked_for_again(park, place):
    data = os.urandom(300001)
    (place / "data").write_bytes(data)
    client = Client(park.get(servers.AsyncSSHShortReads), 3)
    client.check("get", place / "data", place / "copy")
    assert (place / "copy").read_bytes() == data
    assert client.check("parallel", place / "data").words()[0] == "300001"
    assert client.check("sum", place / "data") == client.check("parallel", place / "data")
    assert client.check("sum", place / "data", "1000", "200000").words()[0] == "200000"


def test_one_failed_write_among_good_ones_fails_the_transfer(park, place):
    (place / "data").write_bytes(os.urandom(3 * 2**20))
    answer = Client(park.get(servers.AsyncSSHFailingWrite), 3).one("put", place / "data", place / "there")
    assert answer.code == "SFTP_FAILURE" and "this block is not for writing" in answer


def test_unknown_status_keeps_its_number(park):
    answer = Client(park.get(servers.AsyncSSHOddStatus), 3).one("stat", "/")
    assert answer.code == "SFTP" and "ninety-nine" in answer and "99" in answer


def test_bulk_is_whole(openssh, place, bulk):
    openssh.check("get", bulk.path, place / "bulk", seconds=180)
    assert hashlib.sha256((place / "bulk").read_bytes()).hexdigest() == bulk.sha256
    openssh.check("put", place / "bulk", place / "there", seconds=180)
    assert hashlib.sha256((place / "there").read_bytes()).hexdigest() == bulk.sha256

"""SCP: our client with the scp of others, and between two hosts; hostile servers."""

import os
import stat

import pytest

import servers
from harness import HOST, MEBI, find_built, run, sha256_of
from sftp_talk import make_tree, open_place, picture

NOT_SAYABLE = (b"new\nline", b"back\\slash")     # a line has no newline, and sinks take no backslash


def scp(server, options, *paths, seconds=60, known_hosts=None):
    result = run([find_built("tests/interop/scp_client"), server.port, server.user, server.identity.path,
                  known_hosts or server.known_hosts, options or "-", *paths], seconds=seconds)
    assert b"Sanitizer" not in result.err and b"connection is lost" not in result.err, result
    return result


def failure(result):
    """Code, source, target and message of a copy that failed."""
    assert result.status == 1, result
    return result.err.decode(errors="replace").rstrip("\n").split("\t")


def lines(result, kind):
    return [line.split("\t")[1:] for line in result.out.decode(errors="replace").splitlines() if line.startswith(kind)]


def sayable_tree(top):
    """Links are followed, so that none is left; what leads nowhere or cannot be said is taken out."""
    make_tree(top)
    (top / "dangling").unlink()
    for name in NOT_SAYABLE:
        os.unlink(os.path.join(os.fsencode(top), name))
    return top


def followed(top):
    """A tree as it is after a copy that follows links."""
    found = picture(top)
    found[b"link"] = found[b"plain"]
    found[b"folderlink"] = found[b"sub"]
    found |= {b"folderlink" + name[3:]: value for name, value in found.items() if name.startswith(b"sub/")}
    return found


@pytest.fixture
def place(workshop):
    return open_place(workshop, "scp-place")


@pytest.fixture(params=[servers.OpenSSH, servers.Dropbear], ids=lambda kind: kind.name)
def peer(request, park):
    """Servers where scp is a program."""
    return park.get(request.param)


@pytest.fixture
def openssh(openssh_server):
    return openssh_server


# ---- single files ----

@pytest.mark.parametrize("where", ["conn", HOST])
def test_file_goes_there_and_back(peer, place, where):
    data = os.urandom(3 * MEBI + 1)
    (place / "from").write_bytes(data)
    scp(peer, "", place / "from", f"{where}:{place}/there").check()
    scp(peer, "", f"{where}:{place}/there", place / "back").check()
    assert (place / "there").read_bytes() == (place / "back").read_bytes() == data


def test_file_goes_into_a_directory_by_its_name(openssh, place):
    (place / "a").write_text("a")
    (place / "to").mkdir(mode=0o777)
    (place / "to").chmod(0o777)
    scp(openssh, "", place / "a", f"conn:{place}/to").check()
    assert (place / "to/a").read_text() == "a"
    (place / "down").mkdir()
    scp(openssh, "", f"conn:{place}/to/a", f"{place}/down/").check()
    assert (place / "down/a").read_text() == "a"


def test_empty_file_and_home_directory(openssh, place):
    (place / "empty").touch()
    scp(openssh, "", place / "empty", f"conn:{place}/copy").check()
    assert (place / "copy").stat().st_size == 0
    name = f"sshio-scp-test-{os.getpid()}"
    (place / name).write_text("at home")
    scp(openssh, "", place / name, "conn").check()
    scp(openssh, "", f"conn:{name}", place / "back").check()
    assert (place / "back").read_text() == "at home"
    scp(openssh, "", f"conn:~/{name}", place / "back2").check()
    scp(openssh, "", place / "empty", f"conn:{name}").check()


def test_large_file_with_a_bounded_amount_of_memory(openssh, place, bulk):
    scp(openssh, "", f"conn:{bulk}", place / "got", seconds=120).check()
    assert sha256_of(place / "got") == bulk.sha256
    scp(openssh, "", place / "got", f"conn:{place}/put", seconds=120).check()
    assert sha256_of(place / "put") == bulk.sha256


# ---- several files, patterns, trees ----

def test_several_sources_need_a_directory(openssh, place):
    (place / "a").write_text("a")
    (place / "b").write_text("b")
    assert "ESFTP_FAILURE" in failure(scp(openssh, "", place / "a", place / "b", f"conn:{place}/none"))[0]
    code, _, _, message = failure(scp(openssh, "", f"conn:{place}/a", f"conn:{place}/b", place / "none"))
    assert (code, message) == ("SSHIO_ESFTP_FAILURE", f"Not a directory: {place}/none")
    assert not (place / "none").exists()
    (place / "to").mkdir()
    (place / "to").chmod(0o777)
    scp(openssh, "", place / "a", place / "b", f"conn:{place}/to").check()
    assert sorted(os.listdir(place / "to")) == ["a", "b"]


def test_patterns_on_both_sides(openssh, place):
    for name in ("one.c", "two.c", "three.h", "[x]"):
        (place / name).write_text(name)
    (place / "up").mkdir()
    (place / "up").chmod(0o777)
    (place / "down").mkdir()
    scp(openssh, "", place / "*.c", f"conn:{place}/up").check()
    assert sorted(os.listdir(place / "up")) == ["one.c", "two.c"]
    scp(openssh, "", f"conn:{place}/*.[h]", place / "down").check()
    assert os.listdir(place / "down") == ["three.h"]
    scp(openssh, "", place / "[x]", f"conn:{place}/up").check()
    scp(openssh, "f", f"conn:{place}/[x]", place / "down").check()
    assert (place / "down/[x]").read_text() == (place / "up/[x]").read_text() == "[x]"
    code, source, _, message = failure(scp(openssh, "", place / "*.none", f"conn:{place}/up"))
    assert (code, source) == ("SSHIO_ESFTP_NO_SUCH_FILE", f"{place}/*.none") and "No matches found" in message


def test_tree_goes_there_and_back(peer, place):
    tree = sayable_tree(place / "tree")
    wanted = followed(tree)
    scp(peer, "r", tree, f"conn:{place}/there").check()
    assert picture(place / "there") == wanted
    scp(peer, "r", f"conn:{place}/there", place / "back").check()
    assert picture(place / "back") == wanted
    (place / "into").mkdir()
    scp(peer, "r", f"conn:{place}/there", place / "into").check()
    assert picture(place / "into/there") == wanted


def test_contents_of_a_directory(openssh, place):
    (place / "d/sub").mkdir(parents=True)
    (place / "d/f").write_text("f")
    (place / "d/sub/g").write_text("g")
    (place / "to").mkdir()
    (place / "to").chmod(0o777)
    scp(openssh, "r", f"{place}/d/.", f"conn:{place}/to").check()
    assert picture(place / "to") == picture(place / "d")
    scp(openssh, "r", f"conn:{place}/d/.", place / "new").check()
    assert picture(place / "new") == picture(place / "d")


def test_directory_needs_recurse(openssh, place):
    (place / "d").mkdir()
    assert "is a directory" in failure(scp(openssh, "", place / "d", f"conn:{place}/to"))[3]
    assert "not a regular file" in failure(scp(openssh, "", f"conn:{place}/d", place / "to"))[3]


def test_loop_of_links_ends(openssh, place):
    (place / "d").mkdir()
    os.symlink(".", place / "d/loop")
    (place / "d/f").write_text("f")
    result = scp(openssh, "re", place / "d", f"conn:{place}/to").check()
    assert [line[3] for line in lines(result, "error")] == ["loop: the directory is within itself"]
    assert picture(place / "to") == {b"f": ("file", b"f")}


# ---- attributes ----

def test_preserve_keeps_modes_and_times(peer, place):
    (place / "d").mkdir()
    (place / "d/f").write_text("f")
    (place / "d/f").chmod(0o604)
    os.utime(place / "d/f", (1000000000, 1100000000))
    (place / "d").chmod(0o705)
    os.utime(place / "d", (1200000000, 1300000000))
    scp(peer, "rp", place / "d", f"conn:{place}/there").check()
    os.chmod(place / "there", 0o755)
    os.utime(place / "there", (1200000000, 1300000000))
    scp(peer, "rp", f"conn:{place}/there", place / "back").check()
    for top in ("there", "back"):
        file, folder = (place / top / "f").stat(), (place / top).stat()
        assert (stat.S_IMODE(file.st_mode), file.st_mtime, folder.st_mtime) == (0o604, 1100000000, 1300000000)
    assert (file.st_atime, folder.st_atime) == (1000000000, 1200000000)     # the first copy has been read since


def test_without_preserve_new_files_have_the_mode_but_for_the_umask(openssh, place):
    (place / "f").write_text("f")
    (place / "f").chmod(0o757)
    scp(openssh, "", f"conn:{place}/f", place / "to").check()
    mask = os.umask(0o22)
    os.umask(mask)
    assert stat.S_IMODE((place / "to").stat().st_mode) == 0o757 & ~mask


def test_x2_setuid_is_not_planted(openssh, place):
    (place / "f").write_text("f")
    (place / "f").chmod(0o6755)
    for options, mode in (("", 0o755), ("p", 0o755), ("ps", 0o6755)):
        scp(openssh, options, f"conn:{place}/f", place / f"to{options}").check()
        assert stat.S_IMODE((place / f"to{options}").stat().st_mode) & 0o7700 == mode & 0o7700


# ---- names and quoting (CVE-2020-15778) ----

@pytest.mark.parametrize("name", ["a b", "$(touch {canary})", "`touch {canary}`", ";touch {canary};", "a'b\"c", "&touch {canary}&",
                                  "tab\there", "{a,b}", "#x", "a!b", "-r", "~x", "\x01\x7f", "|touch {canary}"])
def test_shell_there_runs_nothing_of_a_path(openssh, place, name):
    name = name.replace("{canary}", "canary")
    (place / "from").write_text(name)
    scp(openssh, "", place / "from", f"conn:{place}/{name}").check()
    assert (place / name).read_text() == name
    scp(openssh, "", f"conn:{place}/{name}", place / "back").check()
    assert (place / "back").read_text() == name
    assert sorted(os.listdir(place)) == sorted({"from", "back", name})


def test_raw_paths_are_the_shell_s(openssh, place):
    (place / "one").write_text("1")
    (place / "two").write_text("2")
    (place / "to").mkdir()
    scp(openssh, "wl", f"conn:{place}/one $(echo {place}/two)", place / "to").check()
    assert sorted(os.listdir(place / "to")) == ["one", "two"]


@pytest.mark.parametrize("path, message", [("scp://-oProxy/x", "dash"), ("-oProxyCommand=x:y", "dash"), (":x", "Local copy"),
                                           ("a/b:c", "Local copy"), ("user@:x", "no host"), ("scp://h:0/x", "port"),
                                           ("scp://h:99999/x", "port"), ("scp://h/%zz", "escape"), ("conn:a\nb", "newline")])
def test_bad_paths_are_refused(openssh, place, path, message):
    result = scp(openssh, "", path, place / "to")
    assert failure(result)[0] == "SSHIO_EINVAL" and message in result.err.decode(), result


# ---- errors and progress ----

def test_progress_is_told_by_blocks(openssh, place):
    (place / "f").write_bytes(bytes(100000))
    (place / "zero").touch()
    up = lines(scp(openssh, "bv", place / "f", f"conn:{place}/to").check(), "progress")
    assert len(up) == 13 and up[-1] == [f"{place}/f", "", "100000", "100000"] and up[0][2] == "8192"
    down = lines(scp(openssh, "bv", f"conn:{place}/f", place / "to2").check(), "progress")
    assert len(down) == 13 and down[-1] == ["f", f"{place}/to2", "100000", "100000"]
    assert lines(scp(openssh, "v", place / "zero", f"conn:{place}/z").check(), "progress") == [[f"{place}/zero", "", "0", "0"]]


def test_progress_below_directories_has_paths(openssh, place):
    (place / "d/s").mkdir(parents=True)
    (place / "d/s/f").write_text("x")
    up = lines(scp(openssh, "rv", place / "d", f"conn:{place}/to").check(), "progress")
    assert up == [[f"{place}/d/s/f", "s/f", "1", "1"]]
    (place / "in").mkdir()
    down = lines(scp(openssh, "rv", f"conn:{place}/d", place / "in").check(), "progress")
    assert down == [["d/s/f", f"{place}/in/d/s/f", "1", "1"]]


def test_error_handler_hears_of_files_and_the_rest_is_copied(openssh, place):
    (place / "d").mkdir()
    for name in ("a", "b", "c"):
        (place / "d" / name).write_text(name)
    (place / "to/d/b").mkdir(parents=True)
    for folder in ("to", "to/d", "to/d/b"):
        (place / folder).chmod(0o777)
    up = scp(openssh, "re", place / "d", f"conn:{place}/to").check()
    (error,) = lines(up, "error")
    assert error[0] == "SSHIO_ESFTP_FAILURE" and error[1] == f"{place}/d/b" and error[2] == "b", error
    assert (place / "to/d/a").read_text() == "a" and (place / "to/d/c").read_text() == "c"
    (place / "down/d/b").mkdir(parents=True)
    down = scp(openssh, "re", f"conn:{place}/d", place / "down").check()
    (error,) = lines(down, "error")
    assert error[0] == "SSHIO_ESYSTEM" and error[1:3] == ["d/b", f"{place}/down/d/b"], error
    assert (place / "down/d/c").read_text() == "c"


def test_missing_files_are_named(openssh, place):
    code, source, _, message = failure(scp(openssh, "", f"conn:{place}/none", place / "to"))
    assert code == "SSHIO_ESFTP_FAILURE" and "none: No such file" in message
    assert not (place / "to").exists()
    code, source, _, message = failure(scp(openssh, "", place / "none", f"conn:{place}/to"))
    assert (code, source) == ("SSHIO_ESYSTEM", f"{place}/none") and "No such file" in message
    code, _, _, message = failure(scp(openssh, "", place / "none", f"conn:{place}/x/y"))
    assert "No such file" in message


def test_cancelled_copy_leaves_the_connection_usable(openssh, place, bulk):
    assert failure(scp(openssh, "c", bulk, f"conn:{place}/to"))[0] == "SSHIO_ECANCELED"
    assert failure(scp(openssh, "c", f"conn:{bulk}", place / "to2"))[0] == "SSHIO_ECANCELED"


def test_existing_links_in_the_target_are_not_followed(openssh, place):
    """The directory that the user named may be one; what is in it may not. (5.14 rule 2)"""
    (place / "d").mkdir()
    (place / "d/f").write_text("new")
    (place / "real/d").mkdir(parents=True)
    (place / "precious").write_text("old")
    os.symlink(place / "precious", place / "real/d/f")
    os.symlink(place / "real", place / "target")
    failed = failure(scp(openssh, "r", f"conn:{place}/d", place / "target"))
    assert "symbolic link" in failed[3] and (place / "precious").read_text() == "old"
    (place / "real/d/f").unlink()
    scp(openssh, "r", f"conn:{place}/d", place / "target").check()
    assert (place / "real/d/f").read_text() == "new"


# ---- between two hosts ----

@pytest.fixture
def two(park, workshop):
    """Two servers, and one known_hosts for both."""
    first, second = park.get(servers.OpenSSH), park.get(servers.Dropbear)
    known = workshop / "scp-known-hosts"
    known.write_text(first.known_hosts.read_text() + second.known_hosts.read_text())
    return first, f"scp://{second.user}@{HOST}:{second.port}/", known


def test_tree_goes_from_host_to_host(two, place):
    first, second, known = two
    tree = sayable_tree(place / "tree")
    wanted = followed(tree)
    os.utime(tree / "plain", (1000000000, 1100000000))
    result = scp(first, "rpv", f"conn:{tree}", f"{second}{place}/there", known_hosts=known).check()
    assert picture(place / "there") == wanted and (place / "there/plain").stat().st_mtime == 1100000000
    assert ["tree/sub/large"] * 2 in [line[:2] for line in lines(result, "progress")]
    scp(first, "r", f"{second}{place}/there", f"conn:{place}/back", known_hosts=known).check()
    assert picture(place / "back") == wanted


def test_errors_of_either_host_are_told(two, place):
    first, second, known = two
    (place / "f").write_text("f")
    assert "No such file" in failure(scp(first, "", f"conn:{place}/none", f"{second}{place}/to", known_hosts=known))[3]
    assert "No such file" in failure(scp(first, "", f"conn:{place}/f", f"{second}{place}/no/to", known_hosts=known))[3]
    (place / "d").mkdir()
    for name in ("a", "b"):
        (place / "d" / name).write_text(name)
    (place / "to/d/a").mkdir(parents=True)
    for folder in ("to", "to/d", "to/d/a"):
        (place / folder).chmod(0o777)
    result = scp(first, "re", f"conn:{place}/d", f"{second}{place}/to", known_hosts=known).check()
    assert len(lines(result, "error")) == 1 and (place / "to/d/b").read_text() == "b"


# ---- hostile servers ----

def answer(server, data, options, target, asked="d/f"):
    server.says.write_bytes(data)
    result = run([find_built("tests/interop/scp_client"), server.port, server.user, server.identity.path, server.known_hosts,
                  options + "n", f"conn:{asked}", target])
    assert b"Sanitizer" not in result.err, result
    return result


HOSTILE = [
    (b"C0644 2 ../x\nhi\0", "rp", "Invalid filename"),
    (b"C0644 2 /tmp/x\nhi\0", "rp", "Invalid filename"),
    (b"C0644 2 a\\b\nhi\0", "rp", "Invalid filename"),
    (b"C0644 2 ..\nhi\0", "rp", "Invalid filename"),
    (b"C0644 2 \nhi\0", "rp", "Invalid filename"),
    (b"D0777 0 .\nE\n", "rp", "Invalid filename"),
    (b"D0777 0 ..\nC0644 2 f\nhi\0E\n", "rp", "Invalid filename"),
    (b"D0755 0 f\nC0644 2 ../x\nhi\0E\n", "r", "Invalid filename"),
    (b"D0755 0 f\nE\n", "-", "Directory received without recurse"),
    (b"C0644 2 .bashrc\nhi\0", "rp", "Filename does not match request"),
    (b"C0644 2 f\nhi\0C0644 2 f\nho\0", "rp", "Filename does not match request"),
    (b"C0644 -2 f\nhi\0", "rp", "Invalid copy or dir request"),
    (b"C0644 99999999999999999999 f\nhi\0", "rp", "Invalid copy or dir request"),
    (b"C0644 2 " + b"f" * 5000 + b"\nhi\0", "rp", "Line of more than 4096 bytes"),
    (b"T1\nC0644 2 f\nhi\0", "rp", "Invalid time request"),
    (b"Hello\n", "rp", "Unknown request"),
    (b"C0644 200000 f\nhi", "rp", "Connection lost"),
    (b"", "rp", "Connection lost: some noise"),
    (b"\2scp: \x1b[31mno\n", "rp", "scp: \\x1b[31mno"),
]


@pytest.mark.parametrize("data, options, message", HOSTILE, ids=lambda value: None if isinstance(value, str) else repr(value[:24]))
def test_x2_hostile_source_writes_nothing_elsewhere(park, place, data, options, message):
    to = place / "to"
    to.mkdir(mode=0o755)
    failed = failure(answer(park.get(servers.HostileScp), data, options, to))
    assert message in failed[-1], failed
    assert set(os.listdir(place)) == {"to"} and set(os.listdir(to)) <= {"f"}
    assert stat.S_IMODE(to.stat().st_mode) == 0o755


def test_x2_directory_after_a_link_of_the_same_name(park, place):
    """No link can be planted by SCP; one that is there is not entered."""
    (place / "to").mkdir()
    (place / "outside").mkdir()
    os.symlink(place / "outside", place / "to/f")
    failure(answer(park.get(servers.HostileScp), b"D0755 0 f\nC0644 2 x\nhi\0E\n", "r", place / "to"))
    assert os.listdir(place / "outside") == []


def test_f10_noise_beside_the_data_does_not_stop_it(park, place):
    result = answer(park.get(servers.HostileScp), b"C0644 2 f\nhi\0", "-", place / "to")
    result.check()
    assert (place / "to").read_text() == "hi"


def test_huge_size_needs_no_memory(park, place):
    failed = failure(answer(park.get(servers.HostileScp), b"C0644 9223372036854775807 f\nhi", "-", place / "to"))
    assert failed[0] == "SSHIO_ESFTP_CONNECTION_LOST"
    assert (place / "to").stat().st_size < 3

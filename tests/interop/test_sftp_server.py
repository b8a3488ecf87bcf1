"""The SFTP server with the clients that people use: OpenSSH's sftp and scp, lftp, PuTTY, curl, sshfs, AsyncSSH, paramiko.

It runs in the library, with and without handlers, in `sshio sshd`, and as `sshio sftp-server` below OpenSSH's sshd."""

import grp
import os
import pathlib
import pwd
import shutil
import subprocess

import pytest

import clients
import servers
import tree_clients
from harness import HERE, HOST, PYTHON, clean_environment, find_built, find_program, run, under_limits
from raw_sftp import ATTRS, CLOSE, DATA, EOF, OK, READ, REMOVE, RENAME, STAT, WRITE, RawSftp, text, u32, u64
from sftp_talk import Client
from tree_clients import tool_options

FLAVOURS = (servers.SshioSftp, servers.SshioSftpHandlers, servers.SshioSftpFactory, servers.Sshio, servers.OpenSSHOurSftp)


@pytest.fixture(params=FLAVOURS, ids=[kind.name for kind in FLAVOURS])
def flavour(request, park):
    return park.get(request.param)


@pytest.fixture
def files(park):
    return park.get(servers.SshioSftp)


@pytest.fixture
def far(workshop, request):
    """A folder that the account of any server may write."""
    folder = workshop / "far"
    folder.mkdir()
    folder.chmod(0o777)
    yield folder
    shutil.rmtree(folder)


def make_tree(folder):
    """Names, sizes, links and modes of every kind that a copy has to keep."""
    (folder / "dir" / "deep" / "er").mkdir(parents=True)
    for name, size in (("empty", 0), ("one", 1), ("dir/block", 32768), ("dir/odd", 261121), ("dir/deep/large", 3_000_000),
                       ("with space", 10), ("\u00fcml\u00e4ut", 20), ("quote'\"", 30)):
        (folder / name).write_bytes(os.urandom(size))
        os.utime(folder / name, (1_500_000_000, 1_600_000_000))
    (folder / "dir" / "block").chmod(0o640)
    (folder / "dir" / "deep" / "er").chmod(0o711)
    return folder


def equal(one, other):
    run([find_program("diff"), "-r", "--no-dereference", one, other]).check()
    return True


def sftp(server, batch, *options):
    return run([find_program("sftp"), "-b", "-", *options, *tool_options(server), f"{server.user}@{HOST}"], input=batch.encode(), seconds=120)


# ---- OpenSSH ----

def test_all_commands_of_sftp(flavour, far, tmp_path):
    data = tmp_path / "data"
    data.write_bytes(os.urandom(2_000_000))
    account = pwd.getpwnam(flavour.user)
    owner = (1, 2) if account.pw_uid == 0 else (account.pw_uid, account.pw_gid)    # others give away nothing
    result = sftp(flavour, f"cd {far}\nput {data} a\nput -p {data} b\nget a {tmp_path}/back\nmkdir dir\nrename a dir/a\nln dir/a hard\nln -s dir/a soft\n"
                           f"chmod 600 b\nls -l\nls -ln dir\ndf -h\ncp dir/a copy\nrm b\n-rm none\npwd\n"
                           f"chown {owner[0]} copy\nchgrp {owner[1]} copy\n"
                           "rm hard\nmkdir dir/sub\nrmdir dir/sub\nget soft /dev/null\n").check()
    assert (tmp_path / "back").read_bytes() == (far / "dir/a").read_bytes() == (far / "copy").read_bytes() == data.read_bytes()
    assert os.readlink(far / "soft") == "dir/a" and sorted(os.listdir(far)) == ["copy", "dir", "soft"]
    assert ((far / "copy").stat().st_uid, (far / "copy").stat().st_gid) == owner
    assert b"Remote working directory: " + os.fsencode(far) in result.out and b"-rw------- " in result.out


def test_errors_are_told_by_sftp(flavour, far):
    (far / "dir").mkdir()
    (far / "dir" / "x").touch()
    for command, message in ((f"rmdir {far}/dir", b"Failure"), (f"get {far}/none", b"not found"), (f"cd {far}/none", b"No such file or directory"),
                             ("put /etc/hostname /proc/none/x", b"No such file or directory")):
        result = sftp(flavour, command)
        assert result.status == 1 and message in result.err, result


def test_chown_that_the_account_may_not_is_refused(park, far):
    server = park.get(servers.Sshio)
    if server.account.is_own:
        pytest.skip("the tests run as the account itself")
    (far / "file").touch()
    for command in ("chown 0", "chgrp 0"):
        result = sftp(server, f"{command} {far}/file")
        assert result.status == 1 and b"Permission denied" in result.err, result


def test_a_file_is_not_copied_onto_itself(files, far):
    """Spec 5.19, row 31. sftp has truncated the file by then, with any server."""
    (far / "a").write_bytes(b"data")
    result = sftp(files, f"cp {far}/a {far}/a")
    assert result.status == 1 and b"Failure" in result.err, result


def test_users_and_groups_are_named(files, far):
    """Spec 5.19, row 51: OpenSSH's ls -l asks for their names by users-groups-by-id@openssh.com."""
    (far / "file").touch()
    if os.getuid() == 0:
        os.chown(far / "file", 1, 12)
    found = (far / "file").stat()
    result = sftp(files, f"cd {far}\nls -l\n", "-vvv").check()
    line = next(line for line in result.out.decode().splitlines() if line.endswith(" file"))
    assert line.split()[2:4] == [pwd.getpwuid(found.st_uid).pw_name, grp.getgrgid(found.st_gid).gr_name]
    assert b"Sending SSH2_FXP_EXTENDED(users-groups-by-id@openssh.com)" in result.err


@pytest.fixture
def small_disk(tmp_path):
    """A file system of one megabyte."""
    folder = tmp_path / "small"
    folder.mkdir()
    if os.getuid() != 0 or run([find_program("mount"), "-t", "tmpfs", "-o", "size=1m,mode=777", "none", folder]).status != 0:
        pytest.skip("mounting needs root")
    yield folder
    run([find_program("umount"), folder]).check()


def test_full_disk_is_told(files, small_disk, tmp_path):
    """Spec 5.19, row 27: in version 3, which has no word for it, as a failure. What was there of the file does not stand in the way."""
    servers.need_python_module("asyncssh")
    data = tmp_path / "data"
    data.write_bytes(os.urandom(2_000_000))
    result = sftp(files, f"put {data} {small_disk}/file")
    assert result.status == 1 and b"Failure" in result.err, result
    ssh = " ".join(["ssh", "-a", "-x", *clients.OpenSSH.options(None, files)[:-4]])
    for version, told in ((3, b"SFTP_FAILURE"), (4, b"SFTP_FAILURE"), (5, b"SFTP_NO_SPACE_ON_FILESYSTEM"), (6, b"SFTP_NO_SPACE_ON_FILESYSTEM")):
        assert Client(files, version).one("put", data, small_disk / "file").code.encode() == told
        script = (f"set net:max-retries 1; set net:timeout 30; set sftp:protocol-version {version}; set sftp:connect-program '{ssh}'; "
                  f"open -u {files.user}, -p {files.port} sftp://{HOST}; put {data} -o {small_disk}/file")
        result = run([find_program("lftp"), "-c", script], env=clean_environment(HOME=str(tmp_path)))
        assert result.status != 0 and b"No space left on device" in result.err, result
        script = ("import asyncio, asyncssh\n"
                  "async def main():\n"
                  f"    async with asyncssh.connect('{HOST}', {files.port}, username='{files.user}', client_keys=['{files.identity.path}'],\n"
                  f"                                known_hosts='{files.known_hosts}', config=None) as conn:\n"
                  f"        async with conn.start_sftp_client(sftp_version={version}) as sftp:\n"
                  "            try:\n"
                  f"                await sftp.put('{data}', '{small_disk}/file')\n"
                  "            except asyncssh.SFTPError as error:\n"
                  "                print(type(error).__name__)\n"
                  "asyncio.run(main())\n")
        result = run([PYTHON, "-W", "ignore", "-c", script]).check()
        assert result.out.strip() == (b"SFTPNoSpaceOnFilesystem" if version >= 5 else b"SFTPFailure"), result
    (small_disk / "file").unlink()
    data.write_bytes(os.urandom(900_000))
    sftp(files, f"put {data} {small_disk}/file").check()
    assert (small_disk / "file").read_bytes() == data.read_bytes()


def test_scp_of_a_tree_both_ways(flavour, far, tmp_path):
    """Modes and times with -p; exit status 0, which scp takes from the session's end."""
    tree = make_tree(tmp_path / "tree")
    target = f"{flavour.user}@{HOST}:{far}"
    for words in (["-r", "-p", tree, f"{target}/copy"], ["-r", "-p", f"{target}/copy", tmp_path / "back"],
                  [f"{target}/copy/with space", f"{target}/copy/quote'\"", tmp_path]):
        run([find_program("scp"), "-q", "-s", *tool_options(flavour), *words], seconds=120).check()
    assert equal(tree, far / "copy") and equal(tree, tmp_path / "back")
    for name in ("empty", "dir/block", "dir/deep/large"):
        sent, came = (tree / name).stat(), (tmp_path / "back" / name).stat()
        assert (sent.st_mode, sent.st_mtime) == (came.st_mode, came.st_mtime)
    result = run([find_program("scp"), "-q", "-s", *tool_options(flavour), f"{target}/none", tmp_path])
    assert result.status == 1, result


def test_many_uploads_at_once_are_whole(park, far, tmp_path):
    """OpenSSH's client cuts a file where replies to its writes come out of order, and ends with status 0: writes are done by several
    workers, and answered in the order in which they came. (the drafts allow any)"""
    files, data = park.get(servers.SshioSftp), tmp_path / "data"
    data.write_bytes(os.urandom(3_000_000))
    for turn in range(8):
        copies = [far / f"copy-{turn}-{number}" for number in range(8)]
        argv = [find_program("scp"), "-q", "-s", *tool_options(files), data]
        running = [subprocess.Popen(under_limits([*argv, f"{files.user}@{HOST}:{copy}"], 60)) for copy in copies]
        assert [child.wait() for child in running] == [0] * len(copies)
        assert [copy.stat().st_size for copy in copies] == [3_000_000] * len(copies)
        assert all(copy.read_bytes() == data.read_bytes() for copy in copies)


def test_a_hundred_megabytes_both_ways(flavour, far, bulk, tmp_path):
    sftp(flavour, f"put {bulk} {far}/bulk\nget {far}/bulk {tmp_path}/back\n").check()
    run([find_program("cmp"), bulk, far / "bulk"]).check()
    run([find_program("cmp"), bulk, tmp_path / "back"]).check()


def test_sftp_starts_the_program_by_itself(far, tmp_path):
    """sftp -D: no SSH between them."""
    tree = make_tree(tmp_path / "tree")
    batch = f"put -r {tree} {far}/copy\nget -r {far}/copy {tmp_path}/back\n"
    run([find_program("sftp"), "-b", "-", "-D", find_built("tools/sshio") + " sftp-server"], input=batch.encode(), seconds=120).check()
    assert equal(tree, far / "copy") and equal(tree, tmp_path / "back")


def test_a_factory_that_refuses_ends_the_session(park, far):
    server = park.get(servers.SshioSftpFactory)
    result = sftp(server, "pwd\n", "-o", "SetEnv=REFUSE=1")
    assert result.status == 255 and b"Connection closed" in result.err, result
    sftp(server, "pwd\n").check()


def test_a_session_knows_whose_it_is(park, far):
    """Channel, connection, environment, logger, and the user that its handlers have set."""
    server = park.get(servers.SshioSftpHandlers)
    (far / "file").touch()
    sftp(server, f"get {far}/file /dev/null\n", "-o", "SetEnv=WHOSE=mine").check()
    server.daemon.wait_for_line(rf"^exit, channel, user {server.user}, WHOSE=mine, something opened$")
    server.daemon.wait_for_line(r"sftp: warning: .*its last words$")


def test_other_requests_are_refused_where_only_files_are_served(files):
    for words in ([HOST, "true"], ["-s", HOST, "other"], [HOST]):
        result = run([find_program("ssh"), *clients.OpenSSH.options(None, files), *words])
        assert result.status == 255 or result.status == 1, result


def test_ten_thousand_names(files, far, tmp_path):
    folder = far / "many"
    folder.mkdir()
    for number in range(10000):
        (folder / f"{number:05}").touch()
    result = sftp(files, f"ls -1 {folder}\n").check()
    assert len(result.out.splitlines()) == 10001 and b"09999" in result.out


# ---- other clients ----

@pytest.mark.parametrize("version", [3, 4, 5, 6])
def test_lftp_mirrors_in_each_version(files, far, tmp_path, version):
    tree = make_tree(tmp_path / "tree")
    if version < 6:    # in version 6 it has the arguments of LINK in the wrong order
        (tree / "link").symlink_to("dir/block")
    ssh = " ".join(["ssh", "-a", "-x", *clients.OpenSSH.options(None, files)[:-4]])
    script = (f"debug -o {tmp_path}/log 9; set net:max-retries 1; set net:timeout 30; set sftp:protocol-version {version}; "
              f"set sftp:connect-program '{ssh}'; open -u {files.user}, -p {files.port} sftp://{HOST}; mirror -R {tree} {far}/copy; "
              f"mirror {far}/copy {tmp_path}/back; mv {far}/copy/one {far}/copy/two; chmod 600 {far}/copy/two")
    run([find_program("lftp"), "-c", script], env=clean_environment(HOME=str(tmp_path)), seconds=120).check()
    assert f"protocol version set to {version}" in (tmp_path / "log").read_text()
    assert equal(tree, tmp_path / "back")
    assert version == 6 or os.readlink(far / "copy/link") == "dir/block"
    assert (far / "copy/two").stat().st_mode & 0o777 == 0o600 and (far / "copy/empty").stat().st_mtime == 1_600_000_000


def test_psftp(files, far, tmp_path):
    face = clients.Plink(tmp_path)
    tree = make_tree(tmp_path / "tree")
    script = (f"cd {far}\nput -r {tree} copy\nget -r copy {tmp_path}/back\nmv copy/one copy/two\nchmod 600 copy/two\nls copy\nmkdir new\nrmdir new\n"
              "del copy/empty\nquit\n")
    result = run([find_program("psftp"), *face.argv(files, "", None)[1:-1]], input=script.encode(), seconds=120).check()
    assert equal(tree, tmp_path / "back") and (far / "copy/two").exists() and not (far / "copy/empty").exists()
    lines = [line for line in result.out.splitlines() if line.endswith(b" with space")]
    assert lines and len(lines[0]) - len(b"with space") == 56, result


def test_curl(files, far, tmp_path):
    """libssh2: pipelined reads, resuming, a listing, and the order of a link's arguments."""
    data = tmp_path / "data"
    data.write_bytes(os.urandom(5_000_000))
    where = f"sftp://{HOST}:{files.port}{far}"
    curl = clients.curl(files)
    run([*curl, "-T", data, f"{where}/file"]).check()
    run([*curl, "-o", tmp_path / "back", f"{where}/file"]).check()
    (tmp_path / "half").write_bytes(data.read_bytes()[:2_000_001])
    run([*curl, "-C", "-", "-o", tmp_path / "half", f"{where}/file"]).check()
    assert (tmp_path / "back").read_bytes() == (tmp_path / "half").read_bytes() == data.read_bytes()
    assert b"file" in run([*curl, f"{where}/"]).check().out
    run([*curl, "-Q", f"symlink {far}/file {far}/link", f"{where}/"])    # says that it failed, with any server
    assert os.readlink(far / "link") == f"{far}/file"


@pytest.mark.fuse
def test_sshfs_carries_a_build(files, far, tmp_path):
    """A small C project is written, built and run on the mounted folder; parts of a file are written anew; names, links, space."""
    with tree_clients.Sshfs(files, tmp_path).mounted(far) as mount:
        (mount / "main.c").write_text("#include <stdio.h>\nint twice(int);\nint main(void) { printf(\"%d\\n\", twice(21)); return 0; }\n")
        (mount / "twice.c").write_text("int twice(int n) { return 2 * n; }\n")
        (mount / "Makefile").write_text("prog: main.o twice.o\n\tcc -o prog main.o twice.o\n")
        run([find_program("make"), "-s", "CC=cc"], cwd=mount).check()
        assert run([mount / "prog"]).check().out == b"42\n"
        data = os.urandom(4_000_000)
        (mount / "data").write_bytes(data)
        with open(mount / "data", "r+b") as file:
            for at in range(0, 4_000_000, 333_333):
                file.seek(at)
                file.write(bytes([at % 251]) * 1000)
                data = data[:at] + bytes([at % 251]) * 1000 + data[at + 1000:]
        os.rename(mount / "data", mount / "moved")
        os.symlink("moved", mount / "link")
        assert (far / "moved").read_bytes() == data and (mount / "link").read_bytes() == data
        assert os.statvfs(mount).f_blocks == os.statvfs(far).f_blocks
        os.link(mount / "moved", mount / "hard")
        assert (far / "hard").stat().st_ino == (far / "moved").stat().st_ino


@pytest.mark.fuse
def test_sshfs_carries_git_and_rsync(files, far, tmp_path):
    """Many small files, renames over what is there, locks, and a check of what came."""
    env = clean_environment(HOME=str(tmp_path), GIT_CONFIG_NOSYSTEM="1")
    git = [find_program("git"), "-c", "user.name=n", "-c", "user.email=e", "-c", "init.defaultBranch=main"]
    tree = make_tree(tmp_path / "tree")
    for words in (["init", "-q"], ["add", "."], ["commit", "-qm", "all"]):
        run([*git, "-C", tree, *words], env=env).check()
    with tree_clients.Sshfs(files, tmp_path).mounted(far) as mount:
        run([*git, "clone", "-q", "--no-hardlinks", tree, mount / "clone"], env=env).check()
        (mount / "clone" / "one").write_text("more")
        run([*git, "-C", mount / "clone", "commit", "-qam", "more"], env=env).check()
        run([find_program("rsync"), "-a", f"{tree}/", mount / "copy"], env=env).check()
        (tree / "one").write_text("newer")
        run([find_program("rsync"), "-a", "--inplace", f"{tree}/", mount / "copy"], env=env).check()
    run([*git, "-C", far / "clone", "-c", f"safe.directory={far}/clone", "fsck", "--strict"], env=env).check()
    assert equal(tree, far / "copy") and (far / "clone" / "one").read_text() == "more"


def run_script(server, name, folder, *more):
    folder.chmod(0o777)
    return run([PYTHON, "-W", "ignore", HERE / "peers" / name, "--port", server.port, "--user", server.user, "--identity",
                server.identity.path, "--known-hosts", server.known_hosts, "--folder", folder, *more], seconds=120).check()


@pytest.mark.parametrize("kind", [servers.SshioSftp, servers.SshioSftpHandlers], ids=["plain", "handlers"])
@pytest.mark.parametrize("version", [3, 4, 5, 6])
def test_asyncssh_in_each_version(park, far, kind, version):
    servers.need_python_module("asyncssh")
    make_tree(far / "source")
    run_script(park.get(kind), "asyncssh_sftp.py", far, "--version", str(version))
    assert equal(far / "source", far / "back")


def test_paramiko(files, far):
    servers.need_python_module("paramiko")
    run_script(files, "paramiko_sftp.py", far)


# ---- by hand, through SSH: here requests are worked on by threads ----

def by_hand(server, version):
    return RawSftp([find_program("ssh"), *clients.OpenSSH.options(None, server), "-s", HOST, "sftp"], version=version)


@pytest.mark.parametrize("version", [3, 6])
def test_requests_that_run_at_the_same_time_keep_their_order(files, far, version):
    """Spec 5.13.3, with two handles of one file, of which one is closed while the other is written through."""
    path, later = far / "file", u32(0) if version == 6 else b""
    with by_hand(files, version) as session:
        for _ in range(30):
            first, second = session.open(path, 0x1a), session.open(path, 0x02)
            ids = [session.send(WRITE, text(first if number % 2 else second) + u64(number * 500) + text(bytes([number]) * 1000))
                   for number in range(20)]
            ids.append(session.send(CLOSE, text(first)))
            ids += [session.send(WRITE, text(second) + u64(number * 10) + text(b"x" * 100)) for number in range(20)]
            ids.append(session.send(CLOSE, text(second)))
            ids.append(session.send(RENAME, text(path) + text(f"{path}-2") + later))
            look = session.send(STAT, text(f"{path}-2"))
            ids.append(session.send(REMOVE, text(f"{path}-2")))
            assert all(session.reply(id)[1].u32() == OK for id in ids)
            kind, fields = session.reply(look)
            fields.take(4 if version == 3 else 5)
            assert kind == ATTRS and fields.u64() == 10500
        assert session.end() == 0


def test_who_reads_or_looks_sees_what_was_written_before_and_nothing_else(files, far):
    """A write that makes the file longer, with what lies in front of it read by another handle before and after, and its name looked at:
    none waited for."""
    def size(session, id):
        kind, fields = session.reply(id)
        fields.take(4)
        return kind == ATTRS and fields.u64()

    with by_hand(files, 3) as session:
        for turn in range(30):
            path = far / f"file{turn}"
            handle, reader = session.open(path, 0x1a), session.open(path)
            read = text(reader) + u64(1000) + u32(10)
            early, look = session.send(READ, read), session.send(STAT, text(path))
            write = session.send(WRITE, text(handle) + u64(200_000) + text(bytes(200_000)))
            late, again = session.send(READ, read), session.send(STAT, text(path))
            assert session.reply(early)[1].u32() == EOF and size(session, look) == 0
            assert session.reply(write)[1].u32() == OK
            kind, fields = session.reply(late)
            assert kind == DATA and fields.text() == bytes(10), turn
            assert size(session, again) == 400_000
            assert session.status(CLOSE, text(handle)) == session.status(CLOSE, text(reader)) == OK
        assert session.end() == 0


# ---- the end ----

@pytest.mark.parametrize("kind", [servers.SshioSftp, servers.SshioSftpHandlers], ids=["plain", "handlers"])
def test_a_session_that_is_cut_leaves_no_file_open(park, far, kind):
    """The connection goes while files are open and requests are under way; handlers close their files, and exit comes last."""
    servers.need_python_module("asyncssh")
    files = park.get(kind)
    (far / "file").write_bytes(os.urandom(3_000_000))
    before = open_files(files)
    script = ("import asyncio, asyncssh, sys, os\n"
              "async def main():\n"
              f"    conn = await asyncssh.connect('{HOST}', {files.port}, username='{files.user}', client_keys=['{files.identity.path}'],\n"
              f"                                  known_hosts='{files.known_hosts}', config=None)\n"
              "    sftp = await conn.start_sftp_client()\n"
              f"    opened = [await sftp.open('{far}/file', 'rb') for _ in range(50)]\n"
              f"    new = await sftp.open('{far}/new', 'wb')\n"
              "    tasks = [asyncio.ensure_future(file.read()) for file in opened] + [asyncio.ensure_future(new.write(b'x' * 5000000))]\n"
              "    await asyncio.sleep(0)\n"
              "    print('open', flush=True)\n"
              "    os._exit(0)\n"
              "asyncio.run(main())\n")
    for _ in range(5):
        assert b"open" in run([PYTHON, "-W", "ignore", "-c", script]).out
    files.daemon.wait_until(lambda: open_files(files) <= before, "closed files", 20)
    sftp(files, "pwd\n").check()


def open_files(server):
    pid = server.daemon.child.pid
    children = pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return len(os.listdir(f"/proc/{children[0] if children else pid}/fd"))

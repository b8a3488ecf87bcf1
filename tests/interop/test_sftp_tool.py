"""`sshio sftp` beside OpenSSH's sftp: the same batches, the same results; and in the hands of a person."""

import os
import shlex
import subprocess

import pytest

import servers
from copy_tools import OURS, SFTP_SERVER, THEIRS, Tools, make_example, modes, other_ssh, said, times, words_of
from harness import find_program, free_port
from sftp_talk import open_place, picture
from terminal import Terminal

FAILED, LOST = 1, 255


class SshioSftp(servers.Sshio):
    """Our server with its own SFTP."""

    name = "sshio-sshd-files"
    options = ["-o", "Subsystem=sftp internal-sftp"]


@pytest.fixture(params=[servers.OpenSSH, SshioSftp], ids=lambda kind: kind.name)
def tools(request, park, tmp_path):
    return Tools(park.get(request.param), tmp_path)


@pytest.fixture
def openssh(openssh_server, tmp_path):
    return Tools(openssh_server, tmp_path)


@pytest.fixture
def place(workshop):
    """Where the server's side of files is: every account may write there."""
    folder = open_place(workshop, "sftp-tool")
    make_example(folder / "example")
    return folder


def both(tools, *lines, options=()):
    """The outputs of both programs are the same, and so is their status."""
    ours, theirs = (tools.batch(whose, *lines, options=options) for whose in (OURS, THEIRS))
    assert (said(ours.out), said(ours.err), ours.status) == (said(theirs.out), said(theirs.err), theirs.status)
    return ours


# ---- batches ----

LISTS = ["pwd", "ls", "ls -l", "ls -1 sub", "ls -la sub", "ls -lh sub", "ls plain", "ls -l s*", "ls -l plain sub", "ls *", "ls -1r",
         "ls -lSr", "ls -lt", "ls -a", "ls st\\*r", "ls \"with space\"", "ls [[]x]", "ls sub/*", "ls /usr/lib/*.so*", "version",
         "ls -l sub/deeper", "dir -1", "LS -1"]


def test_lists_are_those_of_openssh(openssh, place):
    """sftp(1): ls in all its forms."""
    result = both(openssh, f"cd {place}/example", *LISTS)
    assert result.status == 0 and b"with space" in result.out and b"?" in result.out


def test_lists_of_our_server(tools, place):
    result = tools.batch(OURS, f"cd {place}/example", "ls -1", "ls -l plain", "df", "df -hi")
    names = said(result.out).splitlines()
    assert result.status == 0, result
    assert {"[x]", "plain", "quo'te\"", "st*r", "sub", "with space", "zero", "ü"} <= set(names)
    assert any(line.startswith("-rw----r--") and line.endswith("plain") for line in names)


FAILURES = ["cd nothing", "cd plain", "mkdir sub", "rmdir sub", "rm nothing", "get nothing", "get sub /tmp/none", "put nothing",
            "put sub", "chmod 600 nothing", "rename nothing x", "ln a b", "symlink plain sub", "lcd nothing", "lmkdir sub",
            "unknown", "chmod 9 plain", "get", "rename x", "ls -z", "chown a plain", "lumask", "lumask z", "!false", "get \"open",
            "get * /tmp/nowhere", "put * nowhere", "rm", "ls nothing"]


@pytest.mark.parametrize("line", FAILURES)
def test_failures_are_told_as_openssh_tells_them(openssh, place, line):
    """With "-" in front a failure does not stop the batch, without it it does: sftp(1), -b."""
    make_example(openssh.here / "example")
    go = [f"cd {place}/example", f"lcd {openssh.here}/example"]
    both(openssh, *go, "-" + line, "pwd")
    result = both(openssh, *go, line, "pwd")
    assert (b"Remote working directory" in result.out) == (result.status == 0)


def test_files_are_changed_as_openssh_changes_them(openssh, place):
    trees = []
    for whose in (OURS, THEIRS):
        top = place / whose
        top.mkdir()
        top.chmod(0o777)
        openssh.batch(whose, f"lcd {place}/example", f"cd {top}", "mkdir new", "put plain", "put ü", "put zero new/z", "cp plain copied",
                      "chmod 600 copied", "ln copied hard", "ln -s plain link", "symlink nowhere dangling", "rename copied moved",
                      "rename moved ü", "-rename -l ü plain", "put zero zz", "rm z*", "mkdir gone", "rmdir gone", "chmod 700 new").check()
        trees.append((picture(top), modes(top)))
    assert trees[0] == trees[1] and trees[0][0][b"link"] == ("link", b"plain")


def test_owner_and_group_are_changed(openssh, place):
    owner = os.stat(place / "example").st_uid
    (place / "mine").touch()
    os.chown(place / "mine", owner, os.stat(place).st_gid)
    result = openssh.batch(OURS, f"cd {place}", f"-chown {owner} mine", f"-chgrp {os.stat(place).st_gid} mine", "-chown 1 nothing")
    assert result.status == 0 and b"Can't get current ownership of remote file" in result.err


def test_help_knows_the_commands_of_openssh(openssh):
    ours, theirs = (said(openssh.batch(whose, "help").check().out).splitlines() for whose in (OURS, THEIRS))
    told_otherwise = ("rename ", "!")
    assert len(theirs) > 30
    assert [line for line in ours if not line.startswith(told_otherwise)] == [line for line in theirs if not line.startswith(told_otherwise)]


@pytest.mark.parametrize("prefix", ["", "-", "@", "-@", "@-", " - "])
def test_prefixes_of_commands_that_fail(openssh, prefix):
    """sftp(1), -b: "-" lets the batch go on, "@" does not show the line."""
    result = both(openssh, prefix + "cd /nothing", prefix + "!false", prefix + "no-command", "lpwd")
    assert (result.status == 0) == ("-" in prefix) and (b"/nothing" in result.out) == ("@" not in prefix)


TRANSFERS = ["get plain", "get -p plain kept", "get \"with space\"", "get st\\*r", "get [[]x] set", "get ü renamed", "get zero",
             "get sub/large", "mget sub/deeper/leaf .", "-get -r ../example whole", "get -pR sub kept-sub", "get [a-q]* .",
             "put plain up-plain", "put -p kept up-kept", "put sub/large up-large", "put \"with space\" \"up with space\"",
             "put -r sub up-sub", "put -pr sub up-kept-sub", "reget sub/large"]


def test_transfers_are_those_of_openssh(openssh, place):
    """Contents, permissions (of the source, less the umask; all of them with -p) and times (with -p)."""
    trees = []
    for whose in (OURS, THEIRS):
        local, remote = openssh.here / whose, place / whose
        make_example(local)
        make_example(remote)
        remote.chmod(0o777)
        openssh.batch(whose, f"cd {remote}", f"lcd {local}", *[line.replace("../example", f"../{whose}") for line in TRANSFERS]).check()
        kept = [{name: at for name, at in times(top).items() if "kept" in name and at == 1100000000} for top in (local, remote)]
        trees.append((picture(local), picture(remote), modes(local), modes(remote), kept))
    assert trees[0] == trees[1]
    assert trees[0][4][1]["up-kept"] == 1100000000 and b"whole/sub/deeper/leaf" in trees[0][0]


def test_tree_to_and_from_every_server(tools, place):
    make_example(tools.here / "local")
    tools.batch(OURS, f"put -r local {place}/up", f"get -r {place}/up down").check()
    assert picture(tools.here / "local") == picture(place / "up") == picture(tools.here / "down")


def test_directories_are_announced_as_openssh_announces_them(openssh, place):
    """What is said of recursive transfers, in a batch too: "Retrieving" and "Entering" of each directory; of one name, as the
    order in a directory is nobody's."""
    (place / "chain" / "one" / "two").mkdir(parents=True)
    (place / "chain" / "one" / "two" / "file").write_text("text")
    (place / "link").symlink_to("chain")
    outputs = []
    for whose in (OURS, THEIRS):
        (place / "up").mkdir()
        (place / "up").chmod(0o777)
        lines = [f"lcd {place}", f"cd {place}", f"get -R chain {openssh.here}/down", f"get -r link {openssh.here}/linked", "put -R chain/ up",
                 f"put -r chain/one {place}/up/again", f"reget -R chain {openssh.here}/down"]
        outputs.append([openssh.batch(whose, *lines, options=options).check().out for options in ([], ["-N"])])
        subprocess.run(["rm", "-r", place / "up"], check=True)
    assert outputs[0] == outputs[1] and b"Retrieving " in outputs[0][0] and b"Entering chain/one/two\n" in outputs[0][0]


def test_links_in_directories_are_left_out(openssh, place):
    """sftp(1): it does not follow links when it transfers recursively. One that is named is what it leads to."""
    (place / "example" / "link").symlink_to("plain")
    (place / "example" / "loop").symlink_to(".")
    openssh.batch(OURS, f"get -r {place}/example down", f"get {place}/example/link named").check()
    assert not {"link", "loop"} & set(os.listdir(openssh.here / "down"))
    assert (openssh.here / "named").read_bytes() == (place / "example" / "plain").read_bytes()


def test_broken_transfers_go_on(openssh, place):
    whole = (place / "example" / "sub" / "large").read_bytes()
    (openssh.here / "large").write_bytes(whole[:100000])
    (place / "part").write_bytes(whole[:50000])
    (place / "part").chmod(0o666)
    openssh.batch(OURS, f"reget {place}/example/sub/large", f"reput {place}/example/sub/large {place}/part").check()
    assert (openssh.here / "large").read_bytes() == whole == (place / "part").read_bytes()


@pytest.mark.parametrize("options", [["-B", "1000", "-R", "3"], ["-B", "300000"], ["-X", "buffer=2000,nrequests=1"], ["-l", "80000"], ["-f"], ["-C"]], ids=str)
def test_options_of_transfers(openssh, place, options):
    openssh.batch(OURS, f"get {place}/example/sub/large", f"put large {place}/again", options=options).check()
    assert (place / "again").read_bytes() == (place / "example" / "sub" / "large").read_bytes()


def test_limit_of_the_rate(openssh, place):
    """-l is in Kbit/s: 320000 octets at 1280 Kbit/s take nearly two seconds."""
    import time
    began = time.monotonic()
    openssh.batch(OURS, f"get {place}/example/sub/large", options=["-l", "1280"]).check()
    assert time.monotonic() - began > 1.4


def test_batch_lines_are_shown_unless_told_otherwise(openssh):
    """A line with "@" is not shown; comments and blank lines do nothing."""
    result = both(openssh, "pwd", "@pwd", "# nothing", "  ", "-@lpwd", "!echo word")
    assert said(result.out).count("sftp> pwd") == 1 and "word\n" in said(result.out)


@pytest.mark.parametrize("words, message", [
    (["-B", "x", "host"], "Invalid buffer size"), (["-R", "0", "host"], "Invalid number of requests"), (["-X", "y=1", "host"], "Invalid -X"),
    ([], "usage:"), (["-Z", "host"], "unknown option"), (["-b", "/nothing", "host"], "No such file"), (["-A", "host"], "not supported yet"),
    (["[::1]text:x"], "something stands behind the brackets"), (["sftp://[::1]text/"], "something stands behind the brackets"),
    (["-s", "other", "host"], "without another program"), (["-D", "", ""], "no command"), (["-D", "/nothing -e"], "exec: /nothing"),
])
def test_wrong_command_lines(openssh, words, message):
    result = openssh.sftp(*words)
    assert result.status in (FAILED, LOST) and message in said(result.err), result


def test_connection_that_fails(openssh):
    result = openssh.sftp("-P", str(free_port()), "-b", "-", "host")
    assert result.status == LOST and said(result.err).startswith("ssh: ") and "Connection refused" in said(result.err)
    assert said(result.err).endswith("Connection closed\n")


def test_operand_names_a_file_or_a_directory(openssh, place):
    result = openssh.sftp("-q", f"host:{place}/example/plain").check()
    assert (openssh.here / "plain").read_bytes() == (place / "example" / "plain").read_bytes() and result.out == b""
    openssh.sftp(f"host:{place}/example/ü", "other").check()
    assert (openssh.here / "other").exists()
    result = openssh.sftp(f"host:{place}/example", input=b"pwd\n").check()
    assert f"Changing to: {place}/example\n" in said(result.out) and b"Connected to host." in result.err
    uri = f"sftp://{openssh.server.user}@host:{openssh.server.port}/{place}/example"
    assert f"directory: {place}/example\n" in said(openssh.sftp(uri, input=b"pwd\n").check().out)


def test_called_by_the_name_of_the_program(openssh, tmp_path):
    from harness import find_built, run
    (tmp_path / "sftp").symlink_to(find_built("tools/sshio"))
    result = run([tmp_path / "sftp", "-F", openssh.config, "-b", "-", "host"], input=b"version\n", env=openssh.env())
    assert result.check().out == b"sftp> version\nSFTP protocol version 3\n"


# ---- other programs ----

CALLS = [[], ["-P", "2222", "-A", "-C", "-4", "-v", "-q"], ["-i", "/key", "-c", "aes128-ctr", "-J", "one,two"], ["-o", "Port=33", "-F", "none"],
         ["-b", "/dev/null"], ["-s", "other"], ["-s", "/usr/lib/server"]]


@pytest.mark.parametrize("words", CALLS, ids=str)
@pytest.mark.parametrize("place", ["user@host", "sftp://me@[::1]:44/tmp"])
def test_other_program_is_called_as_openssh_calls_it(openssh, words, place):
    """sftp(1), -S: "the program must understand ssh(1) options"."""
    ours, theirs = (words_of(openssh, whose, "sftp", *words, place) for whose in (OURS, THEIRS))
    assert ours[0] == theirs[0] and ours[1] == LOST    # theirs may be a broken pipe


@pytest.mark.parametrize("whose", [OURS, THEIRS])
def test_another_program_makes_the_connection(tools, place, whose):
    """-S, with OpenSSH's ssh and with ours: a session with transfers both ways."""
    make_example(tools.here / "local")
    tools.batch(OURS, f"put -r local {place}/up", f"get -r {place}/up down", options=["-S", other_ssh(tools, whose)]).check()
    assert picture(tools.here / "local") == picture(place / "up") == picture(tools.here / "down")


SERVERS = {"openssh": SFTP_SERVER, "ours": "{sshio} sftp-server", "read-only": SFTP_SERVER + " -R", "quoted": "'{sshio}' \"sftp-server\" -d /"}


@pytest.mark.parametrize("name", SERVERS)
def test_server_that_runs_here(openssh, name):
    """-D: "a command and arguments may be specified"."""
    from harness import find_built
    server = SERVERS[name].format(sshio=find_built("tools/sshio"))
    make_example(openssh.here / "example")
    lines = [f"cd {openssh.here}", "-mkdir made", "-symlink example link", "get -r example down", "ls -1 example"]
    result = openssh.run(OURS, "sftp", "-D", server, "-b", "-", input="\n".join(lines).encode()).check()
    assert picture(openssh.here / "example") == picture(openssh.here / "down") and "with space" in said(result.out)
    assert (openssh.here / "made").is_dir() == (name != "read-only")
    assert name == "read-only" or os.readlink(openssh.here / "link") == "example"


def test_server_that_runs_here_is_named(openssh):
    ours, theirs = (openssh.run(whose, "sftp", "-D", SFTP_SERVER, input=b"version\n") for whose in (OURS, THEIRS))
    assert (said(ours.out), said(ours.err), ours.status) == (said(theirs.out), said(theirs.err), theirs.status)


def test_other_program_that_ends_at_once(openssh):
    result = openssh.sftp("-S", "/bin/false", "host")
    assert (result.out, said(result.err), result.status) == (b"", "Connection closed\n", LOST)


# ---- a person ----

PROMPT = rb"sftp> "


def in_a_shell(tools, *words):
    """A person's shell with job control, in which sftp was started."""
    person = Terminal([find_program("bash"), "--norc", "--noprofile", "-i"], env={**tools.env(), "PS1": "SHELL "})
    person.expect(rb"SHELL ")
    person.type((shlex.join(str(word) for word in tools.argv(OURS, *words)) + "\r").encode())
    return person


def test_person_works(tools, place):
    """History, completion of commands and of files on both sides, the progress meter, an interrupt, another shell."""
    person = tools.terminal("sftp", f"host:{place}/example", columns=90)
    person.expect(rb"Connected to host\.\r\n")
    person.expect(PROMPT)
    person.type(b"pwd\r")
    person.expect(f"Remote working directory: {place}/example\r\n".encode())
    person.expect(PROMPT)
    person.type(b"get sub/la\t" + f"{tools.here}/got\r".encode())
    person.expect(rb"Fetching [^\n]*/sub/large to [^\n]*/got\r\n")
    person.expect(rb"large +100% +\d+KB +[\d.]+[KMG]B/s +00:00 ")
    person.expect(PROMPT)
    assert (tools.here / "got").read_bytes() == (place / "example" / "sub" / "large").read_bytes()
    person.type(f"lcd {tools.here}\r".encode())
    person.expect(PROMPT)
    person.type(f"put go\t{place}/put\r".encode())
    person.expect(rb"Uploading got to ")
    person.expect(rb"got +100%")
    person.expect(PROMPT)
    person.type(b"!echo in''side\r")
    person.expect(rb"inside\r\n")
    person.expect(PROMPT)
    person.type(b"abandoned\x03")
    person.expect(PROMPT)
    person.type(b"\x10\r")
    person.expect(rb"inside\r\n")
    person.type(b"quit\r")
    assert person.status() == 0


def test_completion_shows_what_there_is(openssh, place):
    person = openssh.terminal("sftp", f"host:{place}/example")
    person.expect(PROMPT)
    person.type(b"lm\tin\x15re\t")
    person.expect(rb"reget +rename +reput")
    person.type(b"\x15ls with\t\r")
    person.expect(rb"with space")
    person.type(b"quit\r")
    assert person.status() == 0


def test_interrupt_ends_a_transfer_and_not_the_session(openssh, place):
    (place / "big").write_bytes(bytes(4 << 20))
    person = openssh.terminal("sftp", "-l", "4000", f"host:{place}")
    person.expect(PROMPT)
    person.type(f"get big {openssh.here}/big\r".encode())
    person.expect(rb"big +\d+%")
    person.type(b"\x03")
    person.expect(PROMPT)
    person.type(b"version\r")
    person.expect(rb"SFTP protocol version 3")
    person.expect(PROMPT)
    person.type(b"\x04")
    assert person.status() == 0


def test_person_stops_it_and_goes_on(openssh, place):
    """Ctrl-Z at the prompt gives the shell its terminal as it was; with fg the line is there again, and can be edited."""
    person = in_a_shell(openssh, "sftp", "host")
    person.expect(PROMPT)
    person.type(b"pw")
    person.expect(rb"pw")
    person.type(b"\x1a")
    person.expect(rb"Stopped")
    person.type(b"stty -a | grep -o ' icanon'; echo in''side\r")
    person.expect(rb" icanon\r\ninside\r\n")
    person.type(b"fg\r")
    person.expect(rb"sftp> pw")
    person.type(b"x\x7fd\r")
    person.expect(rb"Remote working directory: ")
    person.expect(PROMPT)
    person.type(b"\x10\r")    # the line before, by the editor
    person.expect(rb"Remote working directory: ")
    person.expect(PROMPT)
    person.type(b"quit\r")
    person.expect(rb"SHELL ")
    person.type(b"stty -a | grep -o ' icanon'; exit 3\r")
    person.expect(rb" icanon\r\n")
    assert person.status() == 3


@pytest.mark.parametrize("options", [[], ["-S", "ssh"]], ids=["own", "other"])
def test_person_stops_a_transfer_and_goes_on(openssh, place, options):
    """The other program, too, is stopped and continued; an interrupt at the terminal is not its own."""
    (place / "big").write_bytes(bytes(2 << 20))
    (place / "small").write_bytes(b"small")
    person = in_a_shell(openssh, "sftp", *options, "-l", "8000", f"host:{place}")
    person.expect(PROMPT)
    person.type(f"get big {openssh.here}/big\r".encode())
    person.expect(rb"big +\d+%")
    person.type(b"\x1a")
    person.expect(rb"Stopped")
    person.expect(rb"SHELL ")
    person.type(b"fg\r")
    person.expect(rb"big +100%")
    person.expect(PROMPT)
    assert (openssh.here / "big").stat().st_size == 2 << 20
    person.type(f"get big {openssh.here}/again\r".encode())
    person.expect(rb"big +\d+%")
    person.type(b"\x03")
    person.expect(PROMPT)
    person.type(f"get small {openssh.here}/small\r".encode())
    person.expect(rb"small +100%")
    person.expect(PROMPT)
    person.type(b"quit\r")
    person.expect(rb"SHELL ")
    person.type(b"exit 3\r")
    assert person.status() == 3 and (openssh.here / "small").read_bytes() == b"small"


def test_window_that_changes_shows_the_line_anew(openssh):
    person = openssh.terminal("sftp", "host")
    person.expect(PROMPT)
    person.type(b"versio")
    person.expect(rb"versio")
    person.resize(30, 100)
    person.expect(rb"sftp> versio")
    person.type(b"n\r")
    person.expect(rb"SFTP protocol version 3")
    person.type(b"quit\r")
    assert person.status() == 0


def test_terminal_is_given_back_by_a_signal(openssh, place):
    script = (f"before=$(stty -g); {' '.join(map(str, openssh.argv(OURS, 'sftp', 'host')))}; "
              "[ \"$(stty -g)\" = \"$before\" ] && echo same''again")
    person = Terminal([find_program("bash"), "-c", script], env=openssh.env())
    person.expect(PROMPT)
    person.type(b"!kill $PPID\r")
    person.expect(rb"sameagain")
    person.status()

"""Work in a real terminal: OpenSSH's client with our server, and ours with OpenSSH's."""

import os
import pathlib
import shlex
import signal

import pytest

import clients
from harness import HOST, Daemon, child_of, find_program, free_port, known_hosts_line
from tmux import COLUMNS, LOCAL, ROWS, Window

FAR = "there$ "


class Desk:
    """A window, and how ssh is called in it."""

    def __init__(self, window, client, server):
        self.window, self.client, self.server = window, client, server

    def ssh(self, *words, port=None):
        """A command line for the shell in the window."""
        options = self.client.options(self.server)
        if port:
            hosts = self.window.folder / "known_hosts"
            hosts.write_text(known_hosts_line(port, self.server.host_key_line()))
            options = ["-p", port, "-o", f"UserKnownHostsFile={hosts}", *options]
        return shlex.join(str(word) for word in [*self.client.path, *options, *words, HOST])

    def log_in(self, *words, **more):
        """A shell there, which asks with FAR."""
        self.window.enter("clear; " + self.ssh(*words, **more) + "; echo status=$?")
        self.window.expect(r"\S *\Z")
        self.enter(f"PS1='{FAR}'; clear")
        self.window.expect(rf"\A{prompt(FAR)}\Z")
        return self.window

    def enter(self, line):
        self.window.enter(line)

    def note_modes(self, name):
        """What the terminal's modes are, in a file."""
        path = self.window.folder / name
        self.window.enter(f"stty -g > {path}; clear; echo no''ted {name}")
        self.window.expect(f"noted {name}")
        return path.read_text()


def prompt(text):
    return text.replace("$", r"\$").strip() + r" *"


@pytest.fixture
def window(tmp_path):
    made = Window(tmp_path)
    yield made
    made.close()


@pytest.fixture(params=["openssh to sshio", "sshio to openssh"])
def desk(request, window, tmp_path):
    client = clients.OpenSSH if request.param == "openssh to sshio" else clients.Sshio
    server = "sshio_server" if request.param == "openssh to sshio" else "openssh_server"
    return Desk(window, client(tmp_path), request.getfixturevalue(server))


@pytest.fixture
def own_desk(window, tmp_path, openssh_server):
    return Desk(window, clients.Sshio(tmp_path), openssh_server)


# ---- both ways ----

def test_person_edits_a_file(desk):
    window = desk.log_in()
    vim = find_program("vim")
    window.enter(f"file=$(mktemp); {vim} -u NONE -i NONE $file")
    window.expect(r"^~$(?s:.*)^\"/tmp/[^\"]+\"")
    window.type("ihello vim")
    window.press("Escape", "o")
    window.type("second line")
    window.press("Escape")
    assert window.expect(r"\Ahello vim\nsecond line\n~\n")
    window.type(":wq")
    window.press("Enter")
    window.expect(prompt(FAR) + r"\Z")
    window.enter("clear; cat $file; rm $file")
    window.expect(r"\A(.*\n)?hello vim\nsecond line\n" + prompt(FAR) + r"\Z")


def test_editor_follows_the_window(desk):
    window = desk.log_in()
    window.enter(f"{find_program('vim')} -u NONE -i NONE")
    window.expect(r"^~$")
    window.enter(":set laststatus=2 statusline=%{&lines}x%{&columns}")
    for rows, columns in ((40, 120), (20, 70)):
        window.resize(rows, columns)
        window.expect(r"\A(\n~.*){%d}\n%dx%d *(\n.*)?\Z" % (rows - 3, rows, columns))
    window.type(":q!")
    window.press("Enter")
    window.expect(prompt(FAR) + r"\Z")


def test_size_is_the_windows(desk):
    window = desk.log_in()
    window.enter("stty size")
    window.expect(rf"^{ROWS} {COLUMNS}$")
    window.resize(45, 130)
    window.enter("until [ \"$(stty size)\" = '45 130' ]; do :; done; echo re''sized")
    window.expect(r"^resized$")


def test_program_is_interrupted(desk):
    window = desk.log_in()
    window.enter("sh -c 'echo run''ning; exec sleep 1000'; echo in''terrupted $?")
    window.expect(r"^running$")
    window.press("C-c")
    window.expect(r"^(interrupted 130|" + prompt(FAR) + r")\Z")
    window.enter("echo at''tentive $?")
    window.expect(r"^attentive \d+$")


def test_jobs_are_stopped_and_go_on(desk):
    window = desk.log_in()
    window.enter("sh -c 'echo run''ning; exec sleep 1000'")
    window.expect(r"^running$")
    window.press("C-z")
    window.expect(r"Stopped")
    window.enter("clear; jobs")
    window.expect(r"^\[1\].*Stopped")
    window.enter("clear; bg; jobs")
    window.expect(r"^\[1\].*Running")
    window.enter("clear; fg")
    window.expect(r"sleep 1000")
    window.press("C-c")
    window.expect(prompt(FAR) + r"\Z")
    window.enter("clear; jobs; echo none''left")
    window.expect(r"\A(.*\n)?noneleft$")


def test_status_and_terminal_come_back(desk):
    before = desk.note_modes("before")
    desk.log_in().enter("stty -echo -icanon; exit 9")
    desk.window.expect(r"^status=9$")
    desk.window.expect(prompt(LOCAL) + r"\Z")
    assert desk.note_modes("after") == before


def test_terminal_comes_back_from_a_lost_connection(desk):
    before = desk.note_modes("before")
    port, relay = start_relay(desk)
    desk.log_in(port=port)
    relay.stop()
    desk.window.expect(r"^status=255$")
    desk.window.expect(prompt(LOCAL) + r"\Z")
    assert desk.note_modes("after") == before


def start_relay(desk):
    """A port that leads to the server, and who carries what passes, once."""
    port = free_port()
    relay = Daemon([find_program("socat"), f"TCP-LISTEN:{port},bind={HOST},reuseaddr", f"TCP:{HOST}:{desk.server.port}"],
                   desk.window.folder / "relay.log")
    relay.wait_until(lambda: listens(port), "listening relay", 20)
    return port, relay


def listens(port):
    """Without taking the one connection that the relay serves."""
    table = pathlib.Path("/proc/net/tcp").read_text()
    return f":{port:04X} 00000000:0000 0A" in table


# ---- escape sequences, and stopping, with our client ----

def test_client_is_suspended_and_goes_on(own_desk):
    before = own_desk.note_modes("before")
    window = own_desk.log_in()
    window.press("Enter")
    window.type("~")
    window.press("C-z")
    window.expect(r"^\[1\]\+ +Stopped(?s:.*)" + prompt(LOCAL) + r"\Z")
    assert own_desk.note_modes("stopped") == before
    window.resize(33, 77)
    window.enter("clear; fg")
    window.expect(r"clear; fg|ssh")
    window.enter("clear; until [ \"$(stty size)\" = '33 77' ]; do :; done; echo on''ce more")
    window.expect(r"^once more$")
    window.enter("exit 6")
    window.expect(r"^Connection to 127\.0\.0\.1 closed\.$")
    window.enter("echo status=$?")
    window.expect(r"^status=6$")
    assert own_desk.note_modes("after") == before


def test_client_that_is_stopped_from_outside_gives_the_terminal_back(own_desk):
    before = own_desk.note_modes("before")
    window = own_desk.log_in()
    os.kill(child_of(window.shell), signal.SIGTSTP)
    window.expect(r"^\[1\]\+ +Stopped(?s:.*)" + prompt(LOCAL) + r"\Z")
    assert own_desk.note_modes("stopped") == before
    window.enter("clear; fg")
    window.enter("clear; echo on''ce more")
    window.expect(r"^once more$")


def test_escape_sequence_ends_the_connection(own_desk):
    before = own_desk.note_modes("before")
    window = own_desk.log_in()
    window.enter("sleep 1000")
    window.type("~.")
    window.expect(r"^~\.$")
    window.expect(r"^Connection to 127\.0\.0\.1 closed\.$")
    window.expect(r"^status=255$")
    assert own_desk.note_modes("after") == before


def test_escape_sequence_ends_a_connection_that_stands_still(own_desk):
    port, relay = start_relay(own_desk)
    window = own_desk.log_in(port=port)
    os.kill(child_of(relay.child.pid), signal.SIGSTOP)
    window.enter("what nobody gets")
    window.type("~.")
    window.expect(r"^status=255$")
    os.kill(child_of(relay.child.pid), signal.SIGCONT)
    relay.stop()


def test_escape_sequences_are_told_and_ended_by_doubling(own_desk):
    window = own_desk.log_in("-e", "%")
    window.type("%?")
    window.expect(r"^ +%\. +end the connection")
    window.press("C-c")
    window.enter("clear")
    window.enter("%%.")
    window.expect(r"%\..*not found")
    window.enter("clear; echo '%.'~.")
    window.expect(r"^%\.~\.$")


def test_no_character_is_an_escape_when_there_is_none(own_desk):
    window = own_desk.log_in("-e", "none")
    window.enter("~.")
    window.expect(r"~\..*(not found|directory)")

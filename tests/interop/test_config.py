"""Configurations: `sshio ssh -G` and `sshio sshd -T` against OpenSSH's, over the same files and command lines; and what git and
ProxyCommand make of them."""

import os
import shlex
import sys

import pytest

from harness import find_built, find_program, run

# What both print in the same form. The rest differs in defaults, or is not there on one side.
CLIENT_KEYWORDS = """hostname user port addressfamily batchmode compression connecttimeout escapechar identitiesonly
    passwordauthentication kbdinteractiveauthentication numberofpasswordprompts hostkeyalias requesttty sendenv setenv
    serveralivecountmax serveraliveinterval tcpkeepalive proxycommand proxyjump rekeylimit preferredauthentications loglevel
    remotecommand identityfile bindaddress stricthostkeychecking""".split()
SERVER_KEYWORDS = """port logingracetime maxauthtries maxsessions maxstartups clientaliveinterval clientalivecountmax
    pubkeyauthentication passwordauthentication kbdinteractiveauthentication permittty strictmodes tcpkeepalive usedns
    permitrootlogin allowtcpforwarding authorizedkeysfile authenticationmethods banner rekeylimit subsystem acceptenv""".split()

CLIENT_FILES = {
    "empty": "",
    "first value wins": "Port 1\nPort 2\nUser a\n",
    "spellings": "port=1\nUSER = bob\nCompression\tyes\r\n  BatchMode   yes  \n",
    "quotes": 'User "a b"\nHostKeyAlias a" b"c\n',
    "comment": "# no\nUser bob # yes\n\n",
    "hosts": "Host other\n Port 1\nHost h\n Port 2\nHost *\n Port 3\n User all\n",
    "negated": "Host * !h\n Port 1\nHost !other *\n Port 2\n",
    "wildcards": "Host ?\n Port 1\nHost h*\n User x\n",
    "hostname": "Hostname %h.example.org\nMatch host h.example.org\n Port 9\n",
    "match": "Match originalhost h\n Port 5\nMatch all\n User last\n",
    "match user": "User bob\nMatch user bob\n Port 5\n",
    "match negated": "Match !host other\n Port 5\n",
    "include": "Include {folder}/more\nPort 7\n",
    "include in a block": "Host h\n Include {folder}/more\n User me\nHost *\n Port 7\n",
    "include nothing": "Include {folder}/none*\nPort 7\n",
    "times": "ConnectTimeout 1m30s\nServerAliveInterval 2m\nServerAliveCountMax 5\n",
    "rekey": "RekeyLimit 1G 1h\n",
    "rekey default": "RekeyLimit default none\n",
    "lists": "SendEnv A B_*\nSendEnv C\nSetEnv X=1 Y=2\nSetEnv Z=3\n",
    "identities": "IdentityFile a\nIdentityFile b\nIdentitiesOnly yes\n",
    "proxy command": "ProxyCommand nc 'a b' %h:%p # x\nProxyJump j\n",
    "proxy jump": "ProxyJump a@j:22\nProxyCommand x\n",
    "authentication": "PreferredAuthentications password,publickey\nPasswordAuthentication no\nNumberOfPasswordPrompts 1\n",
    "terminal": "RequestTTY force\nEscapeChar none\nRemoteCommand echo 'a b'\n",
    "strict": "StrictHostKeyChecking accept-new\n",
    "retired": "Protocol 2\nPort 5\n",
}
BAD_CLIENT_FILES = ["NoSuchKeyword 1\n", "Port\n", "Port x\n", "Port 1 2\n", 'User "a\n', "Match nobody x\n", "Match host\n",
                    "Host\n", "Compression maybe\n", "Include {folder}/loop\n", "AddressFamily ipx\n", "RekeyLimit 1Q\n"]
COMMAND_LINES = [
    ["h"], ["-p", "5", "h"], ["h", "-p", "5"], ["-oPort=5", "h"], ["-o", "Port 5", "h"], ["-o", " Port=5", "h"], ["-oPort 5", "h"],
    ["-o", "port = 5", "h"], ["-l", "a", "b@h"], ["b@h", "-l", "a"], ["b@h"], ["ssh://b@h:77"], ["-p", "5", "ssh://b@h:77"],
    ["-4C", "-oBatchMode=yes", "h"], ["-xaT", "-2", "h"], ["--", "h"], ["h", "--", "cmd"],
    ["h", "-p", "5", "cmd", "-p", "6"], ["-e", "none", "-S", "none", "h"], ["-oUser=\"a b\"", "h"],
    ["-J", "j", "h"], ["-a", "-x", "-oClearAllForwardings=yes", "-oPort=2222", "-2", "h"], ["-oForwardX11 no", "-obatchmode yes", "h"],
]
SERVER_FILES = {
    "empty": "",
    "numbers": "Port 5\nMaxAuthTries 3\nMaxSessions 2\nMaxStartups 5:50:20\n",
    "times": "LoginGraceTime 1m\nClientAliveInterval 10\nClientAliveCountMax 4\n",
    "switches": "PasswordAuthentication no\nPermitTTY no\nUseDNS yes\nTCPKeepAlive no\nStrictModes no\n",
    "subsystems": "Subsystem sftp /x/y -a -b\nSubsystem other z\nAcceptEnv A B_*\nAcceptEnv C\n",
    "keys": "AuthorizedKeysFile .ssh/a .ssh/b\nAuthenticationMethods publickey,password publickey\n",
    "roots": "PermitRootLogin no\nAllowTcpForwarding local\n",
    "harmless": "UsePAM no\nX11Forwarding no\nPrintMotd no\nProtocol 2\n",
}
BAD_SERVER_FILES = ["NoSuchKeyword 1\n", "MaxAuthTries x\n", "MaxStartups 10:101:20\n", "LoginGraceTime soon\n", "Subsystem sftp\n",
                    "Host h\n"]


def settings(output, keywords):
    """The lines of these keywords. One that stands on several lines, or names several values, is one list."""
    found = {}
    for line in output.decode().splitlines():
        keyword, _, value = line.partition(" ")
        if keyword in keywords and value != "none":
            found.setdefault(keyword, []).extend([value] if keyword in ("remotecommand", "proxycommand") else value.split())
    return found


def sshio(*words, **more):
    return run([find_built("tools/sshio"), *words], **more)


@pytest.fixture
def write(tmp_path):
    (tmp_path / "more").write_text("User included\nHost nobody\nPort 1\n")
    (tmp_path / "loop").write_text(f"Include {tmp_path}/loop\n")

    def write_config(text):
        path = tmp_path / "config"
        path.write_bytes(text.replace("{folder}", str(tmp_path)).encode())
        return path
    return write_config


def compare_clients(*words):
    ours, theirs = sshio("ssh", "-G", *words), run([find_program("ssh"), "-G", *words])
    theirs.check()
    ours.check()
    expected = settings(theirs.out, CLIENT_KEYWORDS)
    result = settings(ours.out, CLIENT_KEYWORDS)
    if "identityfile" not in result:    # the usual ones are not listed
        expected.pop("identityfile", None)
    if result["batchmode"] == ["yes"]:    # Debian's ssh then asks every 300 s by itself
        expected["serveraliveinterval"] = result["serveraliveinterval"]
    # They print unset truths otherwise than set ones.
    spell = {"true": "yes", "false": "no"}
    expected = {k: [spell.get(v, v) for v in values] for k, values in expected.items()}
    assert result == expected


@pytest.mark.parametrize("name", CLIENT_FILES)
def test_client_config_means_what_openssh_says(write, name):
    compare_clients("-F", write(CLIENT_FILES[name]), "h")


@pytest.mark.parametrize("words", COMMAND_LINES, ids=" ".join)
def test_command_line_means_what_openssh_says(words):
    compare_clients("-F", "none", *words)


@pytest.mark.parametrize("text", BAD_CLIENT_FILES)
def test_bad_client_config_is_refused_as_openssh_does(write, text):
    path = write(text)
    assert run([find_program("ssh"), "-G", "-F", path, "h"]).status == 255
    ours = sshio("ssh", "-G", "-F", path, "h")
    assert ours.status == 255
    assert f"{path.parent}/".encode() in ours.err and b" line " in ours.err


def their_sshd(path, key):
    os.makedirs("/run/sshd", mode=0o755, exist_ok=True)
    return run([find_program("sshd", why="openssh-server"), "-T", "-f", path, "-h", key])


@pytest.fixture
def host_key(tmp_path):
    key = tmp_path / "key"
    run([find_program("ssh-keygen"), "-q", "-t", "ed25519", "-N", "", "-f", key]).check()
    return key


@pytest.mark.parametrize("name", SERVER_FILES)
def test_server_config_means_what_openssh_says(write, host_key, name):
    path = write(SERVER_FILES[name])
    theirs = settings(their_sshd(path, host_key).check().out, SERVER_KEYWORDS)
    ours = settings(sshio("sshd", "-T", "-f", path, "-h", host_key).check().out, SERVER_KEYWORDS)
    assert ours == theirs


@pytest.mark.parametrize("text", BAD_SERVER_FILES)
def test_bad_server_config_is_refused_as_openssh_does(write, host_key, text):
    path = write(text)
    assert their_sshd(path, host_key).status != 0
    ours = sshio("sshd", "-t", "-f", path, "-h", host_key)
    assert ours.status == 1 and str(path).encode() in ours.err


@pytest.mark.parametrize("text", ["DenyUsers mallory\n", "AllowAgentForwarding yes\n", "Match user x\n", "UsePAM yes\n"])
def test_server_refuses_what_it_cannot_keep_to(write, host_key, text):
    assert sshio("sshd", "-t", "-f", write(text), "-h", host_key).status == 1


def test_tokens_have_openssh_s_values(write):
    """%C is a hash over names of this machine, so only another implementation can tell it."""
    letters = "CdhiLlnpru"
    command = " ".join(f"{c}=%{c}" for c in letters)
    path = write(f"Hostname %h.example.org\nPort 77\nUser bob\nRemoteCommand {command}\n")
    ours = settings(sshio("ssh", "-G", "-F", path, "h").check().out, ["remotecommand"])["remotecommand"][0]
    marks = write(f"Hostname %h.example.org\nPort 77\nUser bob\nMatch exec \"echo {command} >{path.parent}/said; false\"\n")
    run([find_program("ssh"), "-G", "-F", marks, "h"]).check()
    assert ours == (path.parent / "said").read_text().strip()


def test_version_goes_to_stderr_with_a_level_that_programs_know():
    result = sshio("ssh", "-V")
    assert result.status == 0 and result.out == b""
    assert result.err.startswith(b"sshio_") and b"OpenSSH_9" in result.err


def test_uri_has_its_address_in_brackets():
    shown = settings(sshio("ssh", "-G", "-F", "none", "ssh://b@[::1]:77/").check().out, CLIENT_KEYWORDS)
    assert (shown["hostname"], shown["port"], shown["user"]) == (["::1"], ["77"], ["b"])


def test_query_lists_algorithms():
    ours = sshio("ssh", "-Q", "cipher").check().out.split()
    theirs = run([find_program("ssh"), "-Q", "cipher"]).check().out.split()
    assert set(ours) <= set(theirs) | {b"aes192-gcm@openssh.com"} and b"aes256-ctr" in ours
    assert sshio("ssh", "-Q", "nonsense").status == 255


# ---- what the values do

@pytest.fixture
def config_for(openssh_server, tmp_path, identity):
    def write_config(*lines):
        path = tmp_path / "ssh_config"
        s = openssh_server
        path.write_text("\n".join([
            "Host there", f" Hostname 127.0.0.1", f" Port {s.port}", f" User {s.user}", f" IdentityFile {identity.path}",
            f" UserKnownHostsFile {s.known_hosts}", *lines, ""]))
        return path
    return write_config


def test_config_file_is_all_that_a_login_needs(config_for):
    assert sshio("ssh", "-F", config_for(), "there", "echo in").check().out == b"in\n"


def test_proxy_command_is_the_connection(config_for, tmp_path):
    pipe = tmp_path / "pipe.py"
    pipe.write_text("""
import socket, sys, threading, os
s = socket.create_connection((sys.argv[1], int(sys.argv[2])))
def up():
    while data := os.read(0, 65536):
        s.sendall(data)
    s.shutdown(socket.SHUT_WR)
threading.Thread(target=up, daemon=True).start()
while data := s.recv(65536):
    os.write(1, data)
""")
    command = f"ProxyCommand exec {shlex.quote(sys.executable)} {pipe} %h %p"
    assert sshio("ssh", "-F", config_for(command), "there", "echo in").check().out == b"in\n"
    result = sshio("ssh", "-F", config_for("ProxyCommand /no/such/program %h"), "there", "true")
    assert result.status == 255 and b"/no/such/program" in result.err


def test_proxy_command_takes_no_name_that_a_shell_could_read(write):
    result = sshio("ssh", "-F", write("ProxyCommand nc %h %p\n"), "a$(touch x)b", "true")
    assert result.status == 255 and b"Unsafe value for token" in result.err


def test_git_asks_by_g_and_then_reads(config_for, tmp_path):
    git = find_program("git")
    config = config_for()
    make = "d=$(mktemp -d) && git init -q $d && git -C $d -c user.name=x -c user.email=x commit -q --allow-empty -m one && echo $d"
    repo = sshio("ssh", "-F", config, "there", make).check().out.decode().strip()
    env = {**os.environ, "GIT_SSH_COMMAND": f"{find_built('tools/sshio')} ssh -F {config}"}
    env.pop("GIT_SSH", None)
    result = run([git, "ls-remote", f"ssh://there{repo}"], env=env)
    sshio("ssh", "-F", config, "there", f"rm -rf {repo}").check()
    assert result.check().out.split()[1] == b"HEAD"

"""Programs that run an ssh by its command line, with `sshio ssh` in its place, against OpenSSH's server.

Each has a home of its own, whose ssh config says how to reach the server. Where a program runs whatever `ssh` is first
in PATH, that is our tool by its name.
"""

import os
import pathlib
import shutil
import signal

import pytest

import servers
from harness import HOST, Daemon, clean_environment, find_built, find_program, run
from terminal import Terminal


class OpenSSHForDrivers(servers.OpenSSH):
    name = "openssh-for-drivers"

    def start(self):
        super().start(AcceptEnv="*", PasswordAuthentication="yes")


class Desk:
    """Where a driver works: its home, and a folder on the server's side."""

    def __init__(self, server, folder):
        self.server, self.folder = server, folder
        self.ssh = f"{find_built('tools/sshio')} ssh"
        self.bin = folder / "bin" / "ssh"
        self.bin.parent.mkdir()
        self.bin.symlink_to(find_built("tools/sshio"))
        self.home = folder / "home"
        (self.home / ".ssh").mkdir(parents=True, mode=0o700)
        self.known_hosts = self.home / ".ssh" / "known_hosts"
        self.known_hosts.write_text(server.known_hosts.read_text())
        self.write_config(f"IdentityFile {server.identity.path}")
        self.far = server.account.home / f"far-{folder.name}"
        self.as_user("mkdir", self.far)

    def write_config(self, *more):
        config = self.home / ".ssh" / "config"
        lines = ["Host *", f"  Port {self.server.port}", f"  User {self.server.user}", *("  " + line for line in more)]
        config.write_text("\n".join(lines) + "\n")
        config.chmod(0o600)

    def env(self, **more):
        path = f"{self.bin.parent}:{os.environ['PATH']}:/usr/sbin"
        return {**clean_environment(), "PATH": path, "HOME": str(self.home), "LC_ALL": "C.UTF-8", **more}

    def as_user(self, *argv):
        return run(self.server.account.run_as([str(word) for word in argv]),
                   env={**clean_environment(), "HOME": str(self.server.account.home)}).check()

    def run(self, program, *words, **more):
        env = self.env(**more.pop("env", {}))
        return run([find_program(program), *words], env=env, seconds=more.pop("seconds", 120), **more)


@pytest.fixture
def desk(park, tmp_path):
    made = Desk(park.get(OpenSSHForDrivers), tmp_path)
    yield made
    made.as_user("rm", "-rf", made.far)


def make_tree(folder):
    (folder / "sub").mkdir(parents=True)
    (folder / "small").write_bytes(b"small\n")
    (folder / "sub" / "large").write_bytes(os.urandom(3 << 20))
    return folder


def trees_equal(one, other):
    return all((other / path.relative_to(one)).read_bytes() == path.read_bytes() for path in one.rglob("*") if path.is_file())


# ---- git ----

@pytest.mark.parametrize("by_name", [False, True], ids=["words", "name"])
def test_git_clones_and_pushes(desk, by_name):
    """git asks `-G` first when the program is not called ssh."""
    env = {"GIT_SSH_COMMAND": "ssh" if by_name else desk.ssh, "GIT_CONFIG_GLOBAL": "/dev/null", "GIT_AUTHOR_NAME": "n",
           "GIT_AUTHOR_EMAIL": "e@x", "GIT_COMMITTER_NAME": "n", "GIT_COMMITTER_EMAIL": "e@x"}
    desk.as_user("git", "init", "-q", "--bare", desk.far / "r.git")
    url = f"ssh://{desk.server.user}@{HOST}:{desk.server.port}{desk.far}/r.git"
    work = desk.folder / "work"
    desk.run("git", "clone", "-q", url, work, env=env).check()
    make_tree(work / "tree")
    for words in (["add", "."], ["commit", "-qm", "all"], ["push", "-q", "origin", "HEAD:main"]):
        desk.run("git", "-C", work, *words, env=env).check()
    desk.run("git", "clone", "-q", "-b", "main", url, desk.folder / "again", env=env).check()
    assert trees_equal(work / "tree", desk.folder / "again" / "tree")


# ---- files ----

def test_rsync_both_ways(desk):
    tree = make_tree(desk.folder / "tree")
    desk.run("rsync", "-a", "-e", desk.ssh, f"{tree}/", f"{HOST}:{desk.far}/copy").check()
    desk.run("rsync", "-az", "-e", f"{desk.ssh} -p {desk.server.port}", f"{desk.server.user}@{HOST}:{desk.far}/copy/",
             f"{desk.folder}/back").check()
    assert trees_equal(tree, desk.folder / "back")
    assert desk.run("rsync", "-a", "-e", desk.ssh, f"{HOST}:{desk.far}/nothing", desk.folder / "none").status == 23


@pytest.mark.skipif(os.getuid() != 0 or not pathlib.Path("/dev/fuse").exists(), reason="mounting needs root and /dev/fuse")
def test_sshfs_mounts(desk):
    mount = desk.folder / "mount"
    mount.mkdir()
    desk.run("sshfs", "-o", f"ssh_command={desk.ssh}", "-p", desk.server.port,
             f"{desk.server.user}@{HOST}:{desk.far}", mount).check()
    try:
        tree = make_tree(desk.folder / "tree")
        shutil.copytree(tree, mount / "copy")
        assert trees_equal(tree, mount / "copy") and trees_equal(tree, desk.far / "copy")
    finally:
        run([find_program("fusermount3"), "-u", mount]).check()


def test_restic_backs_up_and_restores(desk):
    tree = make_tree(desk.folder / "tree")
    env = {"RESTIC_PASSWORD": "x", "RESTIC_CACHE_DIR": str(desk.folder / "cache"),
           "RESTIC_REPOSITORY": f"sftp:{desk.server.user}@{HOST}:{desk.far}/repository"}
    for words in (["init"], ["backup", "tree"], ["check"], ["restore", "latest", "--target", "back"]):
        desk.run("restic", "--no-cache", *words, env=env, cwd=desk.folder, seconds=300).check()
    assert trees_equal(tree, desk.folder / "back" / "tree")


def test_borg_backs_up_and_restores(desk):
    tree = make_tree(desk.folder / "tree")
    env = {"BORG_RSH": desk.ssh, "BORG_UNKNOWN_UNENCRYPTED_REPO_ACCESS_IS_OK": "yes",
           "BORG_REPO": f"ssh://{desk.server.user}@{HOST}:{desk.server.port}{desk.far}/repository"}
    desk.run("borg", "init", "-e", "none", env=env).check()
    desk.run("borg", "create", "::one", "tree", env=env, cwd=desk.folder).check()
    (desk.folder / "back").mkdir()
    desk.run("borg", "extract", "::one", env=env, cwd=desk.folder / "back").check()
    assert trees_equal(tree, desk.folder / "back" / "tree")


def test_lftp_mirrors_both_ways(desk):
    tree = make_tree(desk.folder / "tree")
    script = (f"set net:max-retries 1; set net:timeout 30; set sftp:connect-program '{desk.ssh} -a -x'; "
              f"open -u {desk.server.user}, -p {desk.server.port} sftp://{HOST}; mirror -R {tree} {desk.far}/copy; "
              f"mirror {desk.far}/copy {desk.folder}/back")
    desk.run("lftp", "-c", script).check()
    assert trees_equal(tree, desk.folder / "back")


# ---- commands on hosts ----

def test_ansible_pings_and_copies(desk):
    file = desk.folder / "file"
    file.write_bytes(os.urandom(100000))
    (desk.folder / "ansible.cfg").write_text("")
    env = {"ANSIBLE_CONFIG": str(desk.folder / "ansible.cfg"), "ANSIBLE_SSH_EXECUTABLE": str(desk.bin), "ANSIBLE_SSH_TRANSFER_METHOD": "piped",
           "ANSIBLE_LOCAL_TEMP": str(desk.folder / "tmp"), "ANSIBLE_PYTHON_INTERPRETER": "/usr/bin/python3",
           "ANSIBLE_REMOTE_TEMP": str(desk.far / "tmp"), "ANSIBLE_HOST_KEY_CHECKING": "True"}
    hosts = ["all", "-i", f"{HOST},", "-e", f"ansible_port={desk.server.port}", "-u", desk.server.user]
    result = desk.run("ansible", *hosts, "-m", "ping", env=env, seconds=300).check()
    assert b'"ping": "pong"' in result.out
    desk.run("ansible", *hosts, "-m", "copy", "-a", f"src={file} dest={desk.far}/copied", env=env, seconds=300).check()
    assert (desk.far / "copied").read_bytes() == file.read_bytes()


def test_mosh_starts(desk):
    """Its script reads the server's answer, and then the client speaks UDP."""
    person = Terminal([find_program("mosh"), f"--ssh={desk.ssh}", f"{desk.server.user}@{HOST}", "--", "sh", "-c",
                       "echo in''side; read line"], env=desk.env())
    person.expect(rb"inside")
    person.type(b"\r")
    person.expect(rb"\[mosh is exiting\.\]")
    assert person.status() == 0


def test_mosh_command_line(desk):
    """As it was recorded, without a terminal here."""
    result = desk.run("setsid", "--wait", desk.bin, "-n", "-tt", "-S", "none", "-o",
                      f"ProxyCommand='{find_program('mosh')}' '--family=prefer-inet' --fake-proxy -- %h %p",
                      f"{desk.server.user}@{HOST}", "--",
                      "sh -c '[ -n \"$SSH_CONNECTION\" ] && printf \"\\nMOSH SSH_CONNECTION %s\\n\" \"$SSH_CONNECTION\" ; tty'")
    assert b"MOSH SSH_CONNECTION" in result.check().out and b"/dev/pts" in result.out and b"MOSH IP" in result.err, result


def test_pssh_counts(desk):
    words = ["-i", "-t", "60", "-H", HOST, "-l", desk.server.user]
    result = desk.run("parallel-ssh", *words, "echo inside").check()
    assert b"[SUCCESS]" in result.out and b"inside" in result.out
    assert b"exited with error code 3" in desk.run("parallel-ssh", *words, "exit 3").out.lower()


def test_pdsh_runs(desk):
    result = desk.run("pdsh", "-R", "ssh", "-w", f"{desk.server.user}@{HOST}", "echo inside").check()
    assert result.out == f"{HOST}: inside\n".encode(), result


def test_parallel_spreads_jobs(desk):
    result = desk.run("parallel", "-S", f"2/{HOST}", "--will-cite", "echo", ":::", "a", "b", "c",
                      env={"PARALLEL_SSH": desk.ssh, "PARALLEL_HOME": str(desk.folder / "parallel")}).check()
    assert sorted(result.out.split()) == [b"a", b"b", b"c"]


def test_autossh_starts_again(desk):
    """It runs the tool until that ends with 255, which the end of the connection gives."""
    log = desk.folder / "log"
    daemon = Daemon([find_program("autossh"), "-M", "0", "-N", "-v", HOST], log,
                    env=desk.env(AUTOSSH_GATETIME="0", AUTOSSH_PATH=str(desk.bin), AUTOSSH_POLL="10", AUTOSSH_DEBUG="1"))
    try:
        daemon.wait_for_line(r"Auth for user \S+ succeeded")
        child = int(daemon.wait_for_line(r"ssh child pid is (\d+)").group(1))
        os.kill(child, signal.SIGTERM)
        daemon.wait_until(lambda: daemon.text().count("Auth for user") >= 2 and "child pid" in daemon.text(), "a second login", 60)
    finally:
        daemon.stop()


@pytest.mark.skipif(os.getuid() != 0, reason="passwords are of accounts that root makes")
@pytest.mark.parametrize("right, known, status", [(True, True, 0), (False, True, 5), (True, False, 6)],
                         ids=["right", "wrong", "unknown host"])
def test_sshpass_gives_the_password(desk, right, known, status):
    """5 = it was asked for twice, 6 = the host is not known: ansible relies on both."""
    desk.write_config("PubkeyAuthentication no")
    if not known:
        desk.known_hosts.unlink()
    password = desk.server.account.password if right else "wrong"
    result = desk.run("sshpass", "-e", *desk.ssh.split(), HOST, "echo inside", env={"SSHPASS": password})
    assert result.status == status and (result.out == b"inside\n") == (status == 0), result


# ---- recorded command lines of programs that are not here ----

@pytest.mark.parametrize("words, out", [
    (["-l", "USER", "HOST", "echo", "--server", "-e.x"], b"--server -e.x"),
    (["HOST", "-p", "PORT", "-l", "USER", "-s", "sftp"], b""),
    (["USER@HOST", "-s", "sftp"], b""),
    (["-o", "ConnectTimeout=30", "-T", "-l", "USER", "-p", "PORT", "--", "HOST", "echo", "docker"], b"docker"),
    (["-o ConnectTimeout=30", "-T", "--", "HOST", "echo", "docker"], b"docker"),
    (["-p", "PORT", "-l", "USER", "-T", "-e", "none", "--", "HOST", "sh -c 'which sh'"], b"/bin/sh"),
    (["-xT", "--", "USER@HOST", "echo systemd"], b"systemd"),
    (["-oConnectTimeout=10", "-2", "-a", "-x", "HOST", "echo pdsh"], b"pdsh"),
    (["-x", "-a", "-oClearAllForwardings=yes", "-oPort=PORT", "-oServerAliveInterval=15", "-2", "-s", "--", "USER@HOST", "sftp"], b""),
    (["-oForwardX11 no", "-oForwardAgent no", "-oPermitLocalCommand no", "-oClearAllForwardings yes", "-oProtocol 2",
      "-oNoHostAuthenticationForLocalhost yes", "-oControlMaster auto", "-oControlPath=/tmp/%C", "-s", "HOST", "sftp"], b""),
])
def test_recorded_command_lines(desk, words, out):
    words = [word.replace("USER", desk.server.user).replace("HOST", HOST).replace("PORT", str(desk.server.port)) for word in words]
    result = desk.run("setsid", "--wait", desk.bin, *words)
    assert result.status == 0 and out in result.out, result

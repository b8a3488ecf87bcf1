"""What the benchmarks run on: programs, keys and servers of one run. Everything listens on 127.0.0.1 and ends with the run."""

import contextlib
import json
import os
import pathlib
import pwd
import resource
import shutil
import socket
import subprocess
import time

TOP = pathlib.Path(__file__).resolve().parent.parent
HOST = "127.0.0.1"
GIBI, MEBI = 1 << 30, 1 << 20
CIPHERS = ["aes128-gcm@openssh.com", "chacha20-poly1305@openssh.com"]
LIMIT = 300                     # seconds for any one program
MEMORY = pathlib.Path("/dev/shm")  # a file system of it
FAR_MS = 100                    # there and back, to what is far


def find(name):
    return shutil.which(name, path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin")


def run(argv, **more):
    """Runs a program; its output, and the CPU seconds that it and its children took."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run([str(word) for word in argv], stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=LIMIT, **more)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode != 0:
        raise SystemExit(f"{' '.join(map(str, argv))}: status {done.returncode}\n{done.stderr.decode(errors='replace')[-2000:]}")
    return done.stdout, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def free_port():
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return probe.getsockname()[1]


def process_cpu(pid):
    """CPU seconds of a process and of its children that have ended."""
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return sum(int(field) for field in fields[11:15]) / os.sysconf("SC_CLK_TCK")


@contextlib.contextmanager
def one_core(servers):
    """Both ends of all that is measured meanwhile share one processor: servers, and the programs that are started."""
    before = os.sched_getaffinity(0)
    core = {max(before)}
    for pid in [0, *(server.child.pid for server in servers)]:
        os.sched_setaffinity(pid, core)
    try:
        yield
    finally:
        for pid in [0, *(server.child.pid for server in servers)]:
            os.sched_setaffinity(pid, before)


class Server:
    """A server in the background: its port and its CPU time."""

    def __init__(self, argv, port, log):
        self.port, self._log = port, log
        with open(log, "wb") as output:
            self.child = subprocess.Popen([str(word) for word in argv], stdin=subprocess.DEVNULL, stdout=output, stderr=output)
        end = time.monotonic() + 20
        while not self._accepts():
            if self.child.poll() is not None or time.monotonic() > end:
                raise SystemExit(f"{argv[0]} does not listen:\n{pathlib.Path(log).read_text()[-2000:]}")
            time.sleep(0.02)

    def _accepts(self):
        with contextlib.suppress(OSError), socket.create_connection((HOST, self.port), timeout=1):
            return True
        return False

    def cpu(self):
        return process_cpu(self.child.pid)

    def stop(self):
        self.child.terminate()
        self.child.wait(10)


class Bench:
    """The programs, keys and servers of one run."""

    def __init__(self, build, folder):
        self.programs, self.tool, self.folder = build / "bench", build / "tools" / "sshio", folder
        self.user = pwd.getpwuid(os.getuid()).pw_name
        self.sshd, self.ssh, self.sftp = find("sshd"), find("ssh"), find("sftp")
        for name in ("host", "user"):
            run([self.tool, "keygen", "-q", "-t", "ed25519", "-N", "", "-f", folder / name])
        self.servers = {}
        try:
            self._start_servers()
        except BaseException:
            self.stop()
            raise

    def _start_servers(self):
        self.servers["sshio"] = self._start_sshio("sshio")
        self.servers["sshio sshd"] = self._start_tool()
        if self.sshd and self.ssh:
            self.servers["openssh"] = self._start_sshd("sshd", 'ForceCommand exec /bin/sh -c "$SSH_ORIGINAL_COMMAND"')
            self.servers["openssh plain"] = self._start_sshd("sshd_plain", "Subsystem sftp internal-sftp")

    def start_for_files(self):
        """A fresh server of sshio, whose memory shows what files took, and a far one beside each near one. The names of both."""
        self.servers["sshio files"] = self._start_sshio("sshio_files")
        near = ["sshio files", *(["openssh plain"] if "openssh plain" in self.servers else [])]
        for name in near:
            self.servers[self.far(name)] = self.start_proxy(self.servers[name].port)
        return near

    @staticmethod
    def far(name):
        return name + ", far"

    def start_proxy(self, target):
        port = free_port()
        return Server([self.programs / "delay_proxy", port, target, FAR_MS // 2], port, self.folder / f"proxy_{port}.log")

    def _start_sshio(self, name):
        port = free_port()
        return Server([self.programs / "sshio-bench", "server", "--port", port, "--host-key", self.folder / "host",
                       "--authorized-keys", self.folder / "user.pub"], port, self.folder / f"{name}.log")

    def _start_tool(self):
        port = free_port()
        config = self.folder / "tool_config"
        config.write_text(f"Port {port}\nListenAddress {HOST}\nHostKey {self.folder}/host\nStrictModes no\nPermitRootLogin yes\n"
                          f"AuthorizedKeysFile {self.folder}/user.pub\nPidFile none\n")
        return Server([self.tool, "sshd", "-D", "-e", "-f", config], port, self.folder / "tool.log")

    def _start_sshd(self, name, line):
        port = free_port()
        if os.getuid() == 0:
            os.makedirs("/run/sshd", mode=0o755, exist_ok=True)
        config = self.folder / f"{name}_config"
        config.write_text(f"Port {port}\nListenAddress {HOST}\nHostKey {self.folder}/host\nPidFile none\nUsePAM no\nStrictModes no\n"
                          f"AuthorizedKeysFile {self.folder}/user.pub\nPermitRootLogin yes\nMaxStartups 500\nMaxSessions 100\n"
                          f"SetEnv SHLVL=2\n{line}\n")
        return Server([self.sshd, "-D", "-e", "-f", config], port, self.folder / f"{name}.log")

    def stop(self):
        for server in self.servers.values():
            server.stop()

    def sshio_client(self, server, suite, *words):
        cipher, _, mac = (suite or "").partition("+")
        argv = [self.programs / "sshio-bench", "client", "--port", self.servers[server].port, "--user", self.user,
                "--identity", self.folder / "user", *(["--cipher", cipher] if cipher else []),
                *(["--mac", mac] if mac else []), *words]
        return argv

    def _ssh_options(self, server, suite):
        cipher, _, mac = suite.partition("+")
        return ["-F", "none", "-o", "UserKnownHostsFile=/dev/null", "-o", "GlobalKnownHostsFile=/dev/null",
                "-o", "StrictHostKeyChecking=no", "-o", "LogLevel=ERROR", "-o", "IdentitiesOnly=yes", "-o", "IdentityAgent=none",
                "-o", "Compression=no", "-o", f"Ciphers={cipher}", *(["-o", f"MACs={mac}"] if mac else []), "-o", f"User={self.user}",
                "-o", f"Port={self.servers[server].port}", "-i", self.folder / "user"]

    def ssh_client(self, server, suite, command, program=None):
        return [*(program or [self.ssh]), *self._ssh_options(server, suite), HOST, command]

    def sftp_client(self, server, suite):
        """Takes commands from its stdin, and ends at the first that fails."""
        return [self.sftp, "-b", "-", *self._ssh_options(server, suite), HOST]

    # What the two servers are told to do.
    def source(self, server, size):
        return f"bench source {size}" if server == "sshio" else f"exec head -c {size} /dev/zero"

    def sink(self, server):
        return "bench sink" if server == "sshio" else "exec cat >/dev/null"

    def transfer(self, client, server, direction, cipher, size):
        """Rate and CPU of one transfer. ssh's own start and login are in its seconds, so it is also timed for nothing at all."""
        before = self.servers[server].cpu()
        if client == "sshio":
            words = ["get", self.source(server, size), size] if direction == "get" else ["put", self.sink(server), size]
            output, cpu = run(self.sshio_client(server, cipher, *words))
            seconds = json.loads(output)["seconds"]
        else:
            seconds, cpu = self._ssh_transfer(server, direction, cipher, size)
            seconds -= self._ssh_transfer(server, direction, cipher, 0)[0]
        return {"rate": size / seconds / 1e6, "client_cpu": cpu / size * GIBI,
                "server_cpu": (self.servers[server].cpu() - before) / size * GIBI}

    def _ssh_transfer(self, server, direction, cipher, size):
        start = time.monotonic()
        if direction == "get":
            with open(os.devnull, "wb") as nowhere:
                cpu = self._run_quietly(self.ssh_client(server, cipher, self.source(server, size)), stdout=nowhere)
        else:
            feeder = subprocess.Popen(["head", "-c", str(size), "/dev/zero"], stdout=subprocess.PIPE)
            cpu = self._run_quietly(self.ssh_client(server, cipher, self.sink(server)), stdin=feeder.stdout, stdout=subprocess.DEVNULL)
            feeder.wait()
        return time.monotonic() - start, cpu

    def _run_quietly(self, argv, **streams):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run([str(word) for word in argv], check=True, timeout=LIMIT, **streams)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime

    def wire_limit(self, cipher, size):
        line = json.loads(run([self.programs / "wirelimit", "--bytes", size, cipher])[0])
        return {"rate": line["bytes"] / line["seconds"] / 1e6, "client_cpu": line["recv_cpu"] / line["bytes"] * GIBI,
                "server_cpu": line["send_cpu"] / line["bytes"] * GIBI}

"""What the long way does by itself: the rate of plain TCP over it, and how long a byte takes there and back."""

import socket
import statistics
import threading
import time

from bed import HOST, MEBI

ECHOES = 5


def receive_all(connection):
    """Bytes and seconds, from the first that comes to the last."""
    buffer = bytearray(MEBI)
    received = connection.recv_into(buffer)
    start = time.perf_counter()
    while (got := connection.recv_into(buffer)) > 0:
        received += got
    return received, time.perf_counter() - start


def send_zeros(connection, size):
    block = bytes(MEBI)
    for start in range(0, size, MEBI):
        connection.sendall(block[:min(MEBI, size - start)])
    connection.shutdown(socket.SHUT_WR)


def echo_ms(near, there):
    start = time.perf_counter()
    near.sendall(b"?")
    there.sendall(there.recv(1))
    near.recv(1)
    return (time.perf_counter() - start) * 1000


def measure_way(bench, size):
    with socket.create_server((HOST, 0)) as listener:
        proxy = bench.start_proxy(listener.getsockname()[1])
        try:
            listener.accept()[0].close()        # of the look whether the proxy is there
            with socket.create_connection((HOST, proxy.port)) as near, listener.accept()[0] as there:
                trips = [echo_ms(near, there) for _ in range(ECHOES)]
                sender = threading.Thread(target=send_zeros, args=(near, size))
                sender.start()
                received, seconds = receive_all(there)
                sender.join()
        finally:
            proxy.stop()
    if received != size:
        raise SystemExit(f"the long way lost {size - received} bytes")
    return {"rate": size / seconds / 1e6, "there_and_back_ms": statistics.median(trips)}

"""The far side of scp, whatever the command was: says what a file holds, byte for byte, and then listens until the other
side hangs up, or for a limited time.

    hostile_scp.py SAYS HEARD"""

import os
import pathlib
import select
import sys

said, heard = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
os.write(2, b"some noise\n" * 1000)
data = said.read_bytes()
with open(heard, "wb") as file:
    try:
        while data:
            data = data[os.write(1, data[:65536]):]
        os.close(1)
        os.close(2)
        while select.select([0], [], [], 3)[0] and (answer := os.read(0, 65536)):
            file.write(answer)
    except BrokenPipeError:
        pass

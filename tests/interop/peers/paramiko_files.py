"""Files of this machine for paramiko's SFTP server, which brings none of its own."""

import os

import paramiko
from paramiko import SFTPAttributes, SFTPHandle, SFTPServer, SFTPServerInterface


def answer(call, *arguments, **more):
    try:
        call(*arguments, **more)
    except OSError as error:
        return SFTPServer.convert_errno(error.errno)
    return paramiko.SFTP_OK


class Handle(SFTPHandle):
    def stat(self):
        return SFTPAttributes.from_stat(os.fstat(self.readfile.fileno()))

    def chattr(self, attr):
        if attr._flags & attr.FLAG_SIZE:    # what paramiko itself does empties the file
            return answer(os.truncate, self.filename, attr.st_size)
        return answer(SFTPServer.set_file_attr, self.filename, attr)


class Files(SFTPServerInterface):
    def list_folder(self, path):
        try:
            return [SFTPAttributes.from_stat(os.lstat(os.path.join(path, name)), name) for name in os.listdir(path)]
        except OSError as error:
            return SFTPServer.convert_errno(error.errno)

    def _stat(self, call, path):
        try:
            return SFTPAttributes.from_stat(call(path))
        except OSError as error:
            return SFTPServer.convert_errno(error.errno)

    def stat(self, path):
        return self._stat(os.stat, path)

    def lstat(self, path):
        return self._stat(os.lstat, path)

    def open(self, path, flags, attr):
        try:
            fd = os.open(path, flags, 0o666)
        except OSError as error:
            return SFTPServer.convert_errno(error.errno)
        mode = "r+b" if flags & os.O_RDWR else "wb" if flags & os.O_WRONLY else "rb"
        handle = Handle(flags)
        handle.filename = path
        handle.readfile = handle.writefile = os.fdopen(fd, mode)
        return handle

    def remove(self, path):
        return answer(os.remove, path)

    def rename(self, oldpath, newpath):
        return paramiko.SFTP_FAILURE if os.path.lexists(newpath) else answer(os.rename, oldpath, newpath)

    def posix_rename(self, oldpath, newpath):
        return answer(os.replace, oldpath, newpath)

    def mkdir(self, path, attr):
        return answer(os.mkdir, path)

    def rmdir(self, path):
        return answer(os.rmdir, path)

    def chattr(self, path, attr):
        return answer(SFTPServer.set_file_attr, path, attr)

    def symlink(self, target_path, path):
        return answer(os.symlink, target_path, path)

    def readlink(self, path):
        try:
            return os.readlink(path)
        except OSError as error:
            return SFTPServer.convert_errno(error.errno)

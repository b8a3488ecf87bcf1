package main

import (
	"bytes"
	"crypto/rand"
	"errors"
	"io"
	"log"
	"os"
	"path"
	"time"

	"github.com/pkg/sftp"
	"golang.org/x/crypto/ssh"
)

// One end of a copy: the disk, or a server.
type side interface {
	ReadDir(string) ([]os.FileInfo, error)
	Lstat(string) (os.FileInfo, error)
	ReadLink(string) (string, error)
	Symlink(text, link string) error
	Mkdir(string) error
	Chmod(string, os.FileMode) error
	Chtimes(name string, atime, mtime time.Time) error
	open(string) (io.ReadCloser, error)
	create(string) (io.WriteCloser, error)
}

type disk struct{}

func (disk) ReadDir(name string) ([]os.FileInfo, error) {
	folder, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer folder.Close()
	return folder.Readdir(0)
}
func (disk) Lstat(name string) (os.FileInfo, error)    { return os.Lstat(name) }
func (disk) ReadLink(name string) (string, error)      { return os.Readlink(name) }
func (disk) Symlink(text, link string) error           { return os.Symlink(text, link) }
func (disk) Mkdir(name string) error                   { return os.Mkdir(name, 0777) }
func (disk) Chmod(name string, mode os.FileMode) error { return os.Chmod(name, mode) }
func (disk) Chtimes(name string, atime, mtime time.Time) error {
	return os.Chtimes(name, atime, mtime)
}
func (disk) open(name string) (io.ReadCloser, error)    { return os.Open(name) }
func (disk) create(name string) (io.WriteCloser, error) { return os.Create(name) }

type server struct{ *sftp.Client }

func (s server) open(name string) (io.ReadCloser, error)    { return s.Open(name) }
func (s server) create(name string) (io.WriteCloser, error) { return s.Create(name) }

// A file of the server at one end takes or gives many blocks at once.
func copyFile(from, to side, source, target string) {
	reader, err := from.open(source)
	must(err)
	writer, err := to.create(target)
	must(err)
	if remote, is := reader.(*sftp.File); is {
		_, err = remote.WriteTo(writer)
	} else {
		_, err = writer.(*sftp.File).ReadFrom(reader)
	}
	must(err)
	must(reader.Close())
	must(writer.Close())
}

// Content, links, permissions and times.
func copyTree(from, to side, source, target string) {
	info, err := from.Lstat(source)
	must(err)
	switch info.Mode() & os.ModeType {
	case os.ModeSymlink:
		text, err := from.ReadLink(source)
		must(err)
		must(to.Symlink(text, target))
		return
	case os.ModeDir:
		must(to.Mkdir(target))
		entries, err := from.ReadDir(source)
		must(err)
		for _, entry := range entries {
			copyTree(from, to, source+"/"+entry.Name(), target+"/"+entry.Name())
		}
	default:
		copyFile(from, to, source, target)
	}
	must(to.Chmod(target, info.Mode().Perm()))
	must(to.Chtimes(target, info.ModTime(), info.ModTime()))
}

func expect(true bool, what string) {
	if !true {
		log.Fatal("not so: ", what)
	}
}

func expectFile(name string, data []byte) {
	found, err := os.ReadFile(name)
	must(err)
	expect(bytes.Equal(found, data), "content of "+name)
}

func checkFile(client *sftp.Client, here string) {
	data := make([]byte, 3000001)
	rand.Read(data)
	name := path.Join(here, "file")
	file, err := client.OpenFile(name, os.O_RDWR|os.O_CREATE|os.O_EXCL)
	must(err)
	_, err = file.ReadFromWithConcurrency(bytes.NewReader(data), 32)
	must(err)
	if _, has := client.HasExtension("fsync@openssh.com"); has {
		must(file.Sync())
	}
	part := make([]byte, 500000)
	_, err = file.ReadAt(part, 1234567)
	must(err)
	expect(bytes.Equal(part, data[1234567:1734567]), "a part")
	at, err := file.Seek(-5, io.SeekEnd)
	must(err)
	rest, err := io.ReadAll(file)
	must(err)
	expect(at == 2999996 && bytes.Equal(rest, data[2999996:]), "the end")
	must(file.Close())
	expectFile(name, data)
	_, err = client.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL)
	expect(err != nil, "it is there already")
	more, err := client.OpenFile(name, os.O_WRONLY|os.O_APPEND)
	must(err)
	_, err = more.Write([]byte("end"))
	must(err)
	must(more.Close())
	expectFile(name, append(data, "end"...))
	must(client.Truncate(name, 5))
	expectFile(name, data[:5])
}

func checkNames(client *sftp.Client, here string) {
	file, link, hard, folder := path.Join(here, "file"), path.Join(here, "link"), path.Join(here, "hard"), path.Join(here, "a/b/c")
	must(client.Symlink("file", link))
	text, err := os.Readlink(link)
	must(err)
	expect(text == "file", "text of the link")
	must(client.Link(file, hard))
	one, err := os.Stat(file)
	must(err)
	two, err := os.Stat(hard)
	must(err)
	expect(os.SameFile(one, two), "the same file")
	expect(client.Rename(link, hard) != nil, "a rename does not replace")
	must(client.PosixRename(link, hard))
	must(client.MkdirAll(folder))
	real, err := client.RealPath(folder + "/../.././b/c/.")
	must(err)
	expect(real == folder, "real path")
	must(client.Chown(file, os.Getuid(), os.Getgid()))
	must(client.RemoveDirectory(folder))
	must(client.Remove(hard))
	space, err := client.StatVFS(here)
	must(err)
	expect(space.Blocks > 0 && space.Namemax == 255, "file system")
	_, err = client.Stat(path.Join(here, "none"))
	expect(errors.Is(err, os.ErrNotExist), "an error that says what is missing")
}

func doFiles(conn *ssh.Client, what, source, target string) {
	client, err := sftp.NewClient(conn, sftp.UseConcurrentWrites(true))
	must(err)
	switch what {
	case "put":
		copyTree(disk{}, server{client}, source, target)
	case "get":
		copyTree(server{client}, disk{}, source, target)
	default:
		checkFile(client, source)
		checkNames(client, source)
	}
	must(client.Close())
}

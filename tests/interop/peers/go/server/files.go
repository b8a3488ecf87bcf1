package main

import (
	"io"
	"log"

	"github.com/pkg/sftp"
	"golang.org/x/crypto/ssh"
)

// Files as whoever runs this, until the client says that it is done; several requests are worked on at once.
func serveFiles(channel ssh.Channel) {
	server, err := sftp.NewServer(channel)
	must(err)
	err = server.Serve()
	server.Close()
	if err != nil && err != io.EOF {
		log.Print("files: ", err)
	}
	channel.SendRequest("exit-status", false, ssh.Marshal(struct{ Status uint32 }{0}))
	channel.Close()
}

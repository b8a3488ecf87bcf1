// A server on golang.org/x/crypto/ssh that runs shell commands and serves files. Prints "listening PORT", then serves until it is ended.
package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"log"
	"net"
	"os"
	"os/exec"

	"golang.org/x/crypto/ssh"
)

func must(err error) {
	if err != nil {
		log.Fatal(err)
	}
}

func loadConfig(hostKey, authorized string, rekey uint64) *ssh.ServerConfig {
	pem, err := os.ReadFile(hostKey)
	must(err)
	signer, err := ssh.ParsePrivateKey(pem)
	must(err)
	text, err := os.ReadFile(authorized)
	must(err)
	allowed := map[string]bool{}
	for len(text) > 0 {
		key, _, _, rest, err := ssh.ParseAuthorizedKey(text)
		must(err)
		allowed[string(key.Marshal())] = true
		text = rest
	}
	config := &ssh.ServerConfig{
		PublicKeyCallback: func(_ ssh.ConnMetadata, key ssh.PublicKey) (*ssh.Permissions, error) {
			if allowed[string(key.Marshal())] {
				return nil, nil
			}
			return nil, errors.New("unknown key")
		},
	}
	config.RekeyThreshold = rekey
	config.AddHostKey(signer)
	return config
}

func exitStatus(err error) uint32 {
	var ended *exec.ExitError
	if errors.As(err, &ended) {
		return uint32(ended.ExitCode())
	}
	if err != nil {
		return 127
	}
	return 0
}

func runCommand(channel ssh.Channel, command string) {
	cmd := exec.Command("/bin/sh", "-c", command)
	stdin, err := cmd.StdinPipe()
	must(err)
	cmd.Stdout, cmd.Stderr = channel, channel.Stderr()
	go func() {
		io.Copy(stdin, channel)
		stdin.Close()
	}()
	status := exitStatus(cmd.Run())
	channel.SendRequest("exit-status", false, ssh.Marshal(struct{ Status uint32 }{status}))
	channel.Close()
}

func serveSession(channel ssh.Channel, requests <-chan *ssh.Request) {
	for request := range requests {
		var what struct{ Name string }
		if request.Type == "exec" {
			must(ssh.Unmarshal(request.Payload, &what))
			request.Reply(true, nil)
			go runCommand(channel, what.Name)
		} else if request.Type == "subsystem" && ssh.Unmarshal(request.Payload, &what) == nil && what.Name == "sftp" {
			request.Reply(true, nil)
			go serveFiles(channel)
		} else {
			request.Reply(false, nil)
		}
	}
}

func serve(socket net.Conn, config *ssh.ServerConfig) {
	_, channels, requests, err := ssh.NewServerConn(socket, config)
	if err != nil {
		log.Print("handshake: ", err)
		return
	}
	go ssh.DiscardRequests(requests)
	for opening := range channels {
		if opening.ChannelType() != "session" {
			opening.Reject(ssh.UnknownChannelType, "only sessions")
			continue
		}
		channel, requests, err := opening.Accept()
		must(err)
		go serveSession(channel, requests)
	}
}

func main() {
	hostKey := flag.String("host-key", "", "private host key")
	authorized := flag.String("authorized-keys", "", "file with one public key")
	rekey := flag.Uint64("rekey", 0, "bytes between key exchanges, 0 = the library's choice")
	flag.Parse()
	config := loadConfig(*hostKey, *authorized, *rekey)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	must(err)
	fmt.Println("listening", listener.Addr().(*net.TCPAddr).Port)
	for {
		socket, err := listener.Accept()
		must(err)
		go serve(socket, config)
	}
}

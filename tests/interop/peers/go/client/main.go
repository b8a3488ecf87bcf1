// A client on golang.org/x/crypto/ssh: one command with this program's own streams, many sessions at once, or files.
package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"log"
	"os"
	"strings"
	"sync"

	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/knownhosts"
)

func must(err error) {
	if err != nil {
		log.Fatal(err)
	}
}

// What to ask the host for: the types of the keys that the file knows.
func knownAlgorithms(known string) []string {
	text, err := os.ReadFile(known)
	must(err)
	var algorithms []string
	for len(text) > 0 {
		_, _, key, _, rest, err := ssh.ParseKnownHosts(text)
		if err != nil {
			break
		}
		if key.Type() == ssh.KeyAlgoRSA {
			algorithms = append(algorithms, ssh.KeyAlgoRSASHA512, ssh.KeyAlgoRSASHA256)
		} else {
			algorithms = append(algorithms, key.Type())
		}
		text = rest
	}
	return algorithms
}

// Answers the prompts of keyboard-interactive in their order.
func answerer(answers []string) ssh.KeyboardInteractiveChallenge {
	return func(name, instruction string, questions []string, echos []bool) ([]string, error) {
		if len(questions) > len(answers) {
			return nil, errors.New("no more answers")
		}
		given := answers[:len(questions)]
		answers = answers[len(questions):]
		return given, nil
	}
}

// What it was given to log in with, in the order of these fields.
type credentials struct {
	identity, password, answers string
}

func (c credentials) methods() []ssh.AuthMethod {
	var methods []ssh.AuthMethod
	if c.identity != "" {
		pem, err := os.ReadFile(c.identity)
		must(err)
		signer, err := ssh.ParsePrivateKey(pem)
		must(err)
		methods = append(methods, ssh.PublicKeys(signer))
	}
	if c.password != "" {
		methods = append(methods, ssh.Password(c.password))
	}
	if c.answers != "" {
		methods = append(methods, ssh.KeyboardInteractive(answerer(strings.Split(c.answers, ","))))
	}
	return methods
}

func connect(port int, user string, given credentials, known string, rekey uint64) *ssh.Client {
	checkHost, err := knownhosts.New(known)
	must(err)
	config := &ssh.ClientConfig{
		User:              user,
		Auth:              given.methods(),
		HostKeyCallback:   checkHost,
		HostKeyAlgorithms: knownAlgorithms(known),
	}
	// What it offers by itself, and what it can do beyond that as a client.
	config.KeyExchanges = []string{
		"curve25519-sha256", "curve25519-sha256@libssh.org", "ecdh-sha2-nistp256", "ecdh-sha2-nistp384",
		"ecdh-sha2-nistp521", "diffie-hellman-group14-sha256", "diffie-hellman-group-exchange-sha256",
	}
	config.RekeyThreshold = rekey
	client, err := ssh.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", port), config)
	must(err)
	return client
}

func runCommand(client *ssh.Client, command string) int {
	session, err := client.NewSession()
	must(err)
	stdin, err := session.StdinPipe()
	must(err)
	session.Stdout, session.Stderr = os.Stdout, os.Stderr
	must(session.Start(command))
	go func() {
		io.Copy(stdin, os.Stdin)
		stdin.Close()
	}()
	err = session.Wait()
	var exit *ssh.ExitError
	if errors.As(err, &exit) {
		return exit.ExitStatus()
	}
	must(err)
	return 0
}

// Opens cat, waits until all are open, and expects its own line back.
func talk(client *ssh.Client, number int, opened *sync.WaitGroup) {
	session, err := client.NewSession()
	must(err)
	stdin, err := session.StdinPipe()
	must(err)
	stdout, err := session.StdoutPipe()
	must(err)
	must(session.Start("cat"))
	opened.Done()
	opened.Wait()
	line := fmt.Sprintf("line %d\n", number)
	io.WriteString(stdin, line)
	stdin.Close()
	got, err := io.ReadAll(stdout)
	must(err)
	if string(got) != line {
		log.Fatalf("session %d got %q", number, got)
	}
	must(session.Wait())
}

func runSessions(client *ssh.Client, count int) {
	var opened, finished sync.WaitGroup
	opened.Add(count)
	for number := 0; number < count; number++ {
		finished.Add(1)
		go func(number int) {
			defer finished.Done()
			talk(client, number, &opened)
		}(number)
	}
	finished.Wait()
	fmt.Println("sessions", count)
}

func main() {
	port := flag.Int("port", 22, "port on 127.0.0.1")
	user := flag.String("user", "", "user name")
	var given credentials
	flag.StringVar(&given.identity, "identity", "", "private key file")
	flag.StringVar(&given.password, "password", "", "password")
	flag.StringVar(&given.answers, "answers", "", "answers to prompts, with commas between them")
	known := flag.String("known-hosts", "", "known_hosts file")
	rekey := flag.Uint64("rekey", 0, "bytes between key exchanges, 0 = the library's choice")
	sessions := flag.Int("sessions", 0, "open so many sessions at once")
	files := flag.String("files", "", "put LOCAL REMOTE, get REMOTE LOCAL: a tree; check FOLDER: what the library can do")
	flag.Parse()
	client := connect(*port, *user, given, *known, *rekey)
	if *sessions > 0 {
		runSessions(client, *sessions)
		return
	}
	if *files != "" {
		doFiles(client, *files, flag.Arg(0), flag.Arg(1))
		return
	}
	os.Exit(runCommand(client, flag.Arg(0)))
}
